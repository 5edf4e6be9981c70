"""Demonstration data: an imaginary company's service desk, made from a seed and loaded as anybody would."""

"""Benchmarks: each figure beside the limit measured in the same run on the same machine."""

"""Answers, sessions and live updates from the read models."""

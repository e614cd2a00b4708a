"""Measurements of what the project promises; run them with ``python -m benchmarks``."""

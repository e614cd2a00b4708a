"""The asynchronous client; ``client/_sync`` is made from this package by ``tools/generate.py``."""

__all__: list[str] = []

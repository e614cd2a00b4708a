"""Engines: what instances run on."""

__all__: list[str] = []

"""Engines, which run the attempts of instances."""

__all__: list[str] = []

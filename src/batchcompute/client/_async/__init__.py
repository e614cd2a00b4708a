"""The asynchronous client, from which ``tools/generate.py`` generates ``client/_sync``."""

__all__: list[str] = []

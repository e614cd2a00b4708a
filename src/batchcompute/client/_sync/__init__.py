# Made by tools/generate.py from client/_async/__init__.py; change that file instead.
"""The synchronous client; ``client/_async`` is what this package is made from by ``tools/generate.py``."""

__all__: list[str] = []

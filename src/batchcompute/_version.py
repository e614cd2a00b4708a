"""The version; a constant, because looking it up in the metadata costs 40 ms at import."""

__version__ = "3.0.0.dev0"

"""The command lines of apps: their language, and how values are substituted."""

__all__: list[str] = []

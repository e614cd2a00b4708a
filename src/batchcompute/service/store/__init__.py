"""The database of the service; the only package with SQL."""

__all__: list[str] = []

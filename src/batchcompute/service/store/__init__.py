"""The database: what the service knows, and the only place with SQL."""

__all__: list[str] = []

"""The REST API as data: operations, calls, responses and their parsing."""

__all__: list[str] = []

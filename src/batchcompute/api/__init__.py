"""The REST API as data: the table of operations, calls, responses, and parsing."""

__all__: list[str] = []

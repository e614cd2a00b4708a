"""The handlers: one function for each operation of the API."""

__all__: list[str] = []

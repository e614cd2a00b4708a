"""What each operation does: one function an operation, named after it."""

__all__: list[str] = []

"""The views of the page: each one returns a template and its content."""

__all__: list[str] = []

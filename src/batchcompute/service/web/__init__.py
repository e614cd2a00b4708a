"""The page: HTML for browsers, made from the responses of the API."""

__all__: list[str] = []

"""The ways in which requests reach the service: in the same process, over HTTP, or through a running server."""

__all__: list[str] = []

"""The REST API of the service: authentication, routes, dispatch and handlers."""

__all__: list[str] = []

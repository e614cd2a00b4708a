"""The conversion of calls to HTTP requests: signing, credentials, timeouts, retries and errors."""

__all__: list[str] = []

"""How a call becomes a request: signing, credentials, timeouts, retries, and what an answer means."""

__all__: list[str] = []

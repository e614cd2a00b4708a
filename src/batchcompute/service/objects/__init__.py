"""Object storage: where ``oss://bucket/key`` lies."""

__all__: list[str] = []

"""Object storage: where ``oss://bucket/key`` lies."""

"""The exception for a local service that cannot be used."""

from __future__ import annotations

from batchcompute.errors._responses import ClientError
from batchcompute.errors._values import ConfigError

__all__: list[str] = []


class LocalServiceError(ClientError, ConfigError):
    """The service of ``LOCAL`` can neither be started nor joined.

    Calls under ``LOCAL`` raise it. It is a `ClientError`, so code that handles the errors of calls handles
    it, too. No request was sent, and ``status`` is 0. ``code`` is ``DataDirectoryInUse`` if another process
    uses the data directory, ``ServerEnded`` if the server that a command had joined went away, otherwise
    ``LocalServiceUnavailable``.
    """

    def __str__(self) -> str:
        return self.msg

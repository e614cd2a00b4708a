"""The embedded service cannot be used."""

from __future__ import annotations

from batchcompute.errors._answers import ClientError
from batchcompute.errors._values import ConfigError

__all__: list[str] = []


class LocalServiceError(ClientError, ConfigError):
    """The service that runs jobs on this machine cannot be started, or joined.

    It is what a call under ``LOCAL`` ends with, so whatever catches the errors of calls has it, too. Nothing
    was sent: ``status`` is 0. ``code`` is ``DataDirectoryInUse`` where another process has the data directory,
    else ``LocalServiceUnavailable``.
    """

    def __str__(self) -> str:
        return self.msg

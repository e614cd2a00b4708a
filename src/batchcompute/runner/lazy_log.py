"""Loggers that load `logging` with their first message: its import takes a tenth of the time in which a runner may start."""

from __future__ import annotations

__all__: list[str] = []


class LazyLogger:
    """A logger of a name.

    Args:
        name: Name of the logger.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def warning(self, text: str, *arguments: object) -> None:
        """Log a warning, as `logging.Logger.warning` does."""
        import logging

        logging.getLogger(self._name).warning(text, *arguments)

    def exception(self, text: str, *arguments: object) -> None:
        """Log the exception that is being handled, as `logging.Logger.exception` does."""
        import logging

        logging.getLogger(self._name).exception(text, *arguments)

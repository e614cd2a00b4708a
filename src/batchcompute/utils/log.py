"""The old SDK's helper functions for logging."""

from __future__ import annotations

import logging

from batchcompute.errors import ConfigError
from batchcompute.utils.constants import LOG_FORMATTER, LOG_LEVEL

__all__ = ["add_handler", "get_logger", "set_log_level"]

_loggers: dict[str, logging.Logger] = {}
"""Loggers of `get_logger` by name; `set_log_level` sets their level, too."""


def _level(name: str | int) -> int:
    if isinstance(name, int) and not isinstance(name, bool):
        return name
    levels = logging.getLevelNamesMapping()
    level = levels.get(name.strip().upper()) if isinstance(name, str) else None
    if level is None:
        raise ConfigError(f"log level must be one of {', '.join(levels)} or a number, not {name!r}")
    return level


def set_log_level(loglevel: str | int = "WARNING") -> None:
    """Set the level of the logger ``batchcompute`` and of all loggers of `get_logger`.

    Args:
        loglevel: Name of a level, in any case, or its number.

    Raises:
        ConfigError: The level does not exist.
    """
    level = _level(loglevel)
    for logger in (logging.getLogger("batchcompute"), *_loggers.values()):
        logger.setLevel(level)


def add_handler(hdlr: logging.Handler) -> None:
    """Add a handler to the logger ``batchcompute``."""
    logging.getLogger("batchcompute").addHandler(hdlr)


def get_logger(logname: str, level: str | int = "", file_name: str = "") -> logging.Logger:
    """Return a logger. With a file name, the logger and the logger ``batchcompute`` write to that file.

    Args:
        logname: Name of the logger.
        level: Level for this logger and all loggers of `set_log_level`. Without it, a new logger has the level
            of the logger ``batchcompute``.
        file_name: Name of a log file.

    Raises:
        ConfigError: The level does not exist.
    """
    logger, package = logging.getLogger(logname), logging.getLogger("batchcompute")
    if logname not in _loggers:
        logger.setLevel(package.level or LOG_LEVEL)
        _loggers[logname] = logger
    if level != "":
        set_log_level(level)
    if file_name:
        _write_to(package, file_name)
        if not f"{logname}.".startswith("batchcompute."):
            _write_to(logger, file_name)
    return logger


def _write_to(logger: logging.Logger, file_name: str) -> None:
    handler = logging.FileHandler(file_name, encoding="utf-8", delay=True)
    if handler.baseFilename in {getattr(present, "baseFilename", "") for present in logger.handlers}:
        handler.close()
        return
    handler.setFormatter(logging.Formatter(LOG_FORMATTER))
    logger.addHandler(handler)

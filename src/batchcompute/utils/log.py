"""Logging as the old SDK's callers set it up."""

from __future__ import annotations

import logging

from batchcompute.errors import ConfigError
from batchcompute.utils.constants import LOG_FORMATTER, LOG_LEVEL

__all__ = ["add_handler", "get_logger", "set_log_level"]

_made: dict[str, logging.Logger] = {}
"""Loggers that `get_logger` has made, by name; `set_log_level` is for them, too."""


def _level(name: str | int) -> int:
    if isinstance(name, int) and not isinstance(name, bool):
        return name
    known = logging.getLevelNamesMapping()
    found = known.get(name.strip().upper()) if isinstance(name, str) else None
    if found is None:
        raise ConfigError(f"log level must be one of {', '.join(known)} or a number, not {name!r}")
    return found


def set_log_level(loglevel: str | int = "WARNING") -> None:
    """Set the level of the package's logger, ``batchcompute``, and of all that `get_logger` has made.

    Args:
        loglevel: A level's name, in any case, or its number.

    Raises:
        ConfigError: There is no such level.
    """
    level = _level(loglevel)
    for logger in (logging.getLogger("batchcompute"), *_made.values()):
        logger.setLevel(level)


def add_handler(hdlr: logging.Handler) -> None:
    """Give the package's logger, ``batchcompute``, a handler."""
    logging.getLogger("batchcompute").addHandler(hdlr)


def get_logger(logname: str, level: str | int = "", file_name: str = "") -> logging.Logger:
    """Return a logger, and have it and the package's logger write to a file if one is named.

    Args:
        logname: Name of the logger.
        level: A level for this logger and all that `set_log_level` sets; without it, a new logger has that
            of the package's logger.
        file_name: A file to write to.

    Raises:
        ConfigError: There is no such level.
    """
    logger, package = logging.getLogger(logname), logging.getLogger("batchcompute")
    if logname not in _made:
        logger.setLevel(package.level or LOG_LEVEL)
        _made[logname] = logger
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

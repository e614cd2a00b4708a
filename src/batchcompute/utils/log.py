"""Logging as the old SDK's callers set it up."""

from __future__ import annotations

import logging

from batchcompute import _logs as _logs
from batchcompute.errors import ConfigError
from batchcompute.utils.constants import LOG_FORMATTER

__all__ = ["get_logger", "set_log_level"]


def _level(name: str | int) -> int:
    if isinstance(name, int) and not isinstance(name, bool):
        return name
    known = logging.getLevelNamesMapping()
    found = known.get(name.strip().upper()) if isinstance(name, str) else None
    if found is None:
        raise ConfigError(f"log level must be one of {', '.join(known)} or a number, not {name!r}")
    return found


def set_log_level(loglevel: str | int = "WARNING") -> None:
    """Set the level of the package's logger, ``batchcompute``.

    Args:
        loglevel: A level's name, in any case, or its number.

    Raises:
        ConfigError: There is no such level.
    """
    logging.getLogger("batchcompute").setLevel(_level(loglevel))


def get_logger(logname: str, level: str | int = "", file_name: str = "") -> logging.Logger:
    """Return a logger, and have it write to a file if one is named.

    Args:
        logname: Name of the logger.
        level: Its level; without it, the one that the package's logger has.
        file_name: A file to write to.

    Raises:
        ConfigError: There is no such level.
    """
    logger = logging.getLogger(logname)
    package = logging.getLogger("batchcompute")
    logger.setLevel(_level(level) if level != "" else package.level or logging.WARNING)
    present = {getattr(handler, "baseFilename", "") for handler in logger.handlers}
    if file_name:
        handler = logging.FileHandler(file_name, encoding="utf-8", delay=True)
        if handler.baseFilename in present:
            handler.close()
        else:
            handler.setFormatter(logging.Formatter(LOG_FORMATTER))
            logger.addHandler(handler)
    return logger

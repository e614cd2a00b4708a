"""Errors of the operating system that say that the machine is short of resources, and nothing about the file."""

from __future__ import annotations

import errno

__all__: list[str] = []

TRANSIENT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR})
"""Errors of a machine that is short of descriptors, memory or processes at this moment."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors of a disk that is full."""


def is_transient(error: BaseException) -> bool:
    """Return whether an error only says that the machine is short of resources at this moment."""
    if isinstance(error, OSError):
        return error.errno in TRANSIENT
    # A thread that cannot be started raises a RuntimeError.
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


def has_no_room(error: BaseException) -> bool:
    """Return whether an error only says that the machine is short of resources, or that its disk is full."""
    return is_transient(error) or (isinstance(error, OSError) and error.errno in FULL)

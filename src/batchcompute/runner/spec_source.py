"""Reading the file of specifications, which may appear only after a while: shared file systems lag."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

from batchcompute.errors import ValidationError
from batchcompute.runner.spec_json import SpecFile, parse_specs

__all__ = ["UnusableFile", "read_specs"]

_LARGEST = 256 * 1024**2
"""Bytes of the largest file of specifications."""

_FIRST_DELAY = 0.02
_LONGEST_DELAY = 1.0
"""Seconds between two looks for the file."""


class UnusableFile(Exception):
    """The file of specifications cannot be used. The message is one line for people."""


def read_specs(path: str, wait: float, stop: threading.Event) -> SpecFile:
    """Return the content of a file of specifications.

    Args:
        path: The file.
        wait: Seconds in which it must appear.
        stop: Ends the waiting.

    Raises:
        UnusableFile: The file does not appear, cannot be read, or does not say where records go.
    """
    end = time.monotonic() + wait
    delay = _FIRST_DELAY
    # A file that is still empty has not arrived completely.
    while not (data := _content_of(path)):
        if stop.is_set():
            raise UnusableFile(f"a signal has ended the wait for the specifications {path!r}")
        if time.monotonic() >= end:
            raise UnusableFile(
                f"the specifications {path!r} do not exist, or are empty, after {wait:g} s (see --wait)"
            )
        _look_into(path.rpartition("/")[0] or "/")
        stop.wait(min(delay, max(0.0, end - time.monotonic())))
        delay = min(_LONGEST_DELAY, delay * 1.5)
    try:
        return parse_specs(data, f"the specifications {path!r}")
    except ValidationError as error:
        raise UnusableFile(str(error)) from None


def _content_of(path: str) -> bytes:
    """Return the content of the file; empty if it does not exist."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UnusableFile(f"the specifications {path!r} cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise UnusableFile(f"the specifications {path!r} have more than {_LARGEST} bytes")
    return data


def _look_into(folder: str) -> None:
    # A network file system remembers that a file does not exist, until its directory is opened again.
    with suppress(OSError):
        os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

"""Services for the duration of a test, in a directory that is removed afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from batchcompute.service import LocalService

__all__ = ["temporary_service"]

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - `mkdtemp` makes a directory of its own there
_ENOUGH: Final = 1024**3
"""Free bytes that the directory in memory needs to be used."""


def _parent() -> str | None:
    """Return the directory for data directories: one in memory if it can serve; None for the default.

    A service starts twice as fast in memory as on most disks.
    """
    try:
        state = os.statvfs(_MEMORY)
    except (OSError, AttributeError):
        return None
    may_execute = not state.f_flag & getattr(os, "ST_NOEXEC", 8)
    has_room = state.f_bavail * state.f_frsize >= _ENOUGH
    return str(_MEMORY) if may_execute and has_room and os.access(_MEMORY, os.W_OK) else None


@contextmanager
def temporary_service(**options: Any) -> Generator[LocalService]:
    """Run a service in a directory of its own, which is removed at the end.

    If ``data_dir`` is an argument, the service uses that directory, which stays.

    Args:
        **options: The arguments of `LocalService`.

    Raises:
        ConfigError: An argument is not allowed.
    """
    if options.get("data_dir") is not None:
        with LocalService(**options) as service:
            yield service
        return
    directory = tempfile.mkdtemp(prefix="batchcompute-test-", dir=_parent())
    try:
        options["data_dir"] = directory
        service = LocalService(**options)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    # Its end removes the directory, whatever programs have done to the modes of their files.
    service._temporary = True
    with service:
        yield service

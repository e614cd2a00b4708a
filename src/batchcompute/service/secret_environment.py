"""Secrets in the environment of the server, hidden from other processes of the same user."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from typing import cast

__all__: list[str] = []

_SECRET = re.compile("SECRET|TOKEN|PASSW|CREDENTIAL|PRIVATE|ACCESS_?KEY|API_?KEY|AUTH", re.I)
_PIPE = "BATCHCOMPUTE_ENVIRONMENT_PIPE"
_MOST = 60_000
"""Largest size of the secrets, in bytes. The capacity of a pipe is a little larger."""

_PR_SET_DUMPABLE = 4
_ENVIRONMENT_START = 47
"""Position of the start of the environment among the numbers in ``/proc/self/stat``; its end follows."""


def hide_secrets() -> None:
    """Hide secrets in the environment from other processes of the same user.

    The initial environment of a process stays readable in ``/proc`` until the process ends, so the secrets in it are
    overwritten. Where this is not possible, the process replaces itself by a new program without secrets in its
    environment, and passes them to it through a pipe.
    """
    if _PIPE in os.environ:
        with open(int(os.environ.pop(_PIPE)), encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
            os.environ.update(cast("dict[str, str]", json.load(pipe)))
    elif sys.platform.startswith("linux"):
        secrets = {name: value for name, value in os.environ.items() if value and _SECRET.search(name)}
        if secrets and not _overwrite(secrets):
            text = json.dumps(secrets).encode("utf-8", "surrogateescape")
            if len(text) <= _MOST:
                _restart_without(secrets, text)
    _forbid_inspection()


def _overwrite(secrets: dict[str, str]) -> bool:
    """Overwrite the values of secrets in the initial environment; return whether this was possible."""
    # This copies the values to other memory, where `os.environ`, C libraries and child processes find them.
    os.environ.update(secrets)
    try:
        with open("/proc/self/stat", "rb") as status:  # noqa: PTH123
            numbers = status.read().rpartition(b")")[2].split()
        start, end = int(numbers[_ENVIRONMENT_START]), int(numbers[_ENVIRONMENT_START + 1])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
            memory.seek(start)
            entries = memory.read(end - start).split(b"\0")
            memory.seek(start)
            memory.write(b"\0".join(_without_value(entry, secrets) for entry in entries))
        with open("/proc/self/environ", "rb") as environment:  # noqa: PTH123
            return all(entry == _without_value(entry, secrets) for entry in environment.read().split(b"\0"))
    except (OSError, ValueError, IndexError):
        return False


def _without_value(entry: bytes, secrets: dict[str, str]) -> bytes:
    """Return an entry of the environment; the value of a secret is replaced by zeros of the same length."""
    name, sign, value = entry.partition(b"=")
    return name + sign + bytes(len(value)) if os.fsdecode(name) in secrets else entry


def _restart_without(secrets: dict[str, str], text: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    os.set_inheritable(reading, True)
    environment = {name: value for name, value in os.environ.items() if name not in secrets}
    arguments = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, arguments, {**environment, _PIPE: str(reading)})  # noqa: S606


def _forbid_inspection() -> None:
    """Deny other processes of this user access to the memory and the descriptors of this process."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

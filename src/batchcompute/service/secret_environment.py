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


def hide_secrets() -> None:
    """Hide secrets in the environment from other processes of the same user.

    The initial environment of a process stays readable in ``/proc`` until the process ends. So a process with secrets
    in it replaces itself by a new program without them, and passes them to it through a pipe.
    """
    if _PIPE in os.environ:
        with open(int(os.environ.pop(_PIPE)), encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
            os.environ.update(cast("dict[str, str]", json.load(pipe)))
    elif sys.platform.startswith("linux"):
        secrets = {name: value for name, value in os.environ.items() if value and _SECRET.search(name)}
        text = json.dumps(secrets).encode("utf-8", "surrogateescape")
        if secrets and len(text) <= _MOST:
            _restart_without(secrets, text)
    _forbid_inspection()


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

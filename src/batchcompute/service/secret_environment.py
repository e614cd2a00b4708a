"""Secrets in the environment of the server, which other programs of its user could read in ``/proc``."""

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
"""Bytes of secrets that are handed over; a pipe holds a little more."""

_PR_SET_DUMPABLE = 4


def hide_secrets() -> None:
    """Keep secrets out of what other processes can read of this one.

    The environment that a process began with stays readable for its whole life, whatever it does. So where there
    are secrets in it, the process begins anew without them, and gets them through a pipe.
    """
    if _PIPE in os.environ:
        with open(int(os.environ.pop(_PIPE)), encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
            os.environ.update(cast("dict[str, str]", json.load(pipe)))
    elif sys.platform.startswith("linux"):
        secrets = {name: value for name, value in os.environ.items() if value and _SECRET.search(name)}
        text = json.dumps(secrets).encode("utf-8", "surrogateescape")
        if secrets and len(text) <= _MOST:
            _begin_anew(secrets, text)
    _forbid_looks()


def _begin_anew(secrets: dict[str, str], text: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    os.set_inheritable(reading, True)
    environment = {name: value for name, value in os.environ.items() if name not in secrets}
    arguments = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, arguments, {**environment, _PIPE: str(reading)})  # noqa: S606


def _forbid_looks() -> None:
    """Let no other process of this user look into the memory of this one, or into what it has open."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

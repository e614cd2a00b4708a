"""The variables that a program inherits from the machine, and the room that is left for those of its job."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__: list[str] = []

_INHERITED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
)
"""Variables that a program needs of its machine. All others stay with the service: they often hold secrets."""

_MOST = 6 * 1024**2
"""Bytes of arguments and variables that Linux passes to a program, however large its stack may become."""

_RESERVED = 16 * 1024
"""Bytes of these that are kept for the service's own variables, and for the arguments that start a command."""


def inherited_environment() -> dict[str, str]:
    """Return the variables that a program inherits from this machine."""
    variables = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    variables.update({name: value for name, value in os.environ.items() if name.startswith("LC_")})
    variables.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    return variables


def environment_room() -> int:
    """Return the bytes that the variables of a job may have in all on this machine."""
    try:
        limit = os.sysconf("SC_ARG_MAX")
    except (ValueError, OSError):
        limit = 128 * 1024
    return min(_MOST, limit if limit > 0 else _MOST) - _RESERVED - environment_size(inherited_environment())


def environment_size(variables: Mapping[str, str]) -> int:
    """Return the bytes that variables take: names, values, two more characters, and a pointer each."""
    return sum(len(f"{name}{value}".encode("utf-8", "replace")) + 10 for name, value in variables.items())

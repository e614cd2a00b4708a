"""Finding and ending the processes of an attempt, wherever they have gone.

A process group alone is not enough: a program that daemonises leaves it, and its session, too. What
it keeps is its environment, in which the attempt's token stands (local-service 2.6).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

__all__: list[str] = []

TOKEN_VARIABLE = "BC_INSTANCE"  # noqa: S105 - the name of a variable
_PROC = Path("/proc")
HAS_PROC = sys.platform.startswith("linux") and _PROC.is_dir()
"""Whether processes can be found by their environment."""


def processes_of(tokens: Iterable[str]) -> dict[str, list[int]]:
    """Return the live processes of each attempt, by token, lowest pid first."""
    found: dict[str, list[int]] = {token: [] for token in tokens}
    if not HAS_PROC or not found:
        return found
    marker = f"{TOKEN_VARIABLE}=".encode()
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        try:
            environment = (_PROC / entry.name / "environ").read_bytes()
        except OSError:
            # It ended meanwhile, or belongs to somebody else.
            continue
        for part in environment.split(b"\0"):
            if part.startswith(marker):
                token = part[len(marker) :].decode("utf-8", "replace")
                if token in found:
                    found[token].append(int(entry.name))
                break
    for pids in found.values():
        pids.sort()
    return found


def kill_tree(token: str, leader: int | None) -> None:
    """End every process of an attempt.

    Args:
        token: The attempt.
        leader: Its session's leader, if that has not been waited for yet; a number that may have
            been given to another process since must not be passed.
    """
    if leader is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
    # A process that forks while it is being ended leaves a child behind, so look until none is left.
    while True:
        left = [pid for pid in processes_of([token])[token] if not _is_zombie(pid)]
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _is_zombie(pid: int) -> bool:
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return True
    return stat.rpartition(b")")[2].split()[0] in (b"Z", b"X")

"""Finding and killing all processes of an attempt, by the token in their environment."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from batchcompute.runner.lazy_log import LazyLogger
from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.recent_pids import pids_since

__all__: list[str] = []

_log = LazyLogger("batchcompute.service.engine")

TOKEN_VARIABLE = "BC_INSTANCE"  # noqa: S105 - the name of a variable
_MARKER = f"{TOKEN_VARIABLE}=".encode()
_PROC = Path("/proc")
HAS_PROC = sys.platform.startswith("linux") and _PROC.is_dir()
"""Whether processes can be found by their environment."""

SHORT: Final = 0.1
"""Seconds in which no machine gives all of its pids once, which are 32,768 or more."""

_NO_REUSE = 0.05
"""Seconds in which the kernel does not reuse a pid."""

_ENVIRONMENT_READS = 40
"""Reads, half a millisecond apart, of the environment of a process that has none yet."""

_EMPTY_READS = 10
"""Reads, half a millisecond apart, after which a process is taken for one with an empty environment."""

_ROUNDS = 100
"""Rounds of killing, of at most a tenth of a second each, after which a process is left."""


class AttemptProcesses:
    """Finds and kills the processes of attempts by the token in their environment.

    A process group is not enough: a program that daemonises leaves its group and its session. It keeps its
    environment, which contains the token of the attempt.

    The environment of a process is read once. The inode of its directory in ``/proc`` distinguishes it from a later
    process with the same pid. So a search reads the names of one directory, and not a file for each process.

    Args:
        spawning: A lock that is held while this program starts a process.
    """

    def __init__(self, spawning: threading.Lock) -> None:
        self._spawning = spawning
        self._known: dict[str, int] = {}
        """The inode of the directory of each process whose environment was read, by pid."""
        self._tokens: dict[str, str] = {}
        """The tokens of processes that have one, by pid."""
        self._no_processes: set[str] = set()
        """The names in ``/proc`` that are no pids."""
        self._last_scan = 0.0
        self._has_unknown = False
        """Whether the last scan found a process whose environment could not be read yet."""

    def find(self, wanted: str, skip: str, leaders: Mapping[str, str]) -> list[int]:
        """Return the live processes of an attempt, lowest pid first.

        Args:
            wanted: Token of the attempt.
            skip: A pid that is ignored: a process that has exited and is not waited for yet.
            leaders: Tokens of session leaders that are not waited for yet, by pid.
        """
        return [pid for token, pid in self._processes(skip, leaders) if token == wanted]

    def find_all(self, token_prefix: str) -> dict[str, list[int]]:
        """Return the live processes of all attempts whose tokens have a prefix, by token."""
        pids: dict[str, list[int]] = {}
        for token, pid in self._processes():
            if token.startswith(token_prefix):
                pids.setdefault(token, []).append(pid)
        return pids

    def _processes(self, skip: str = "", leaders: Mapping[str, str] = {}) -> list[tuple[str, int]]:
        """Return token and pid of every process that has a token, lowest pid first."""
        if not HAS_PROC:
            return []
        with self._spawning:
            return self._scan(skip, leaders)

    def _scan(self, skip: str, leaders: Mapping[str, str]) -> list[tuple[str, int]]:
        now = time.monotonic()
        if now - self._last_scan > _NO_REUSE:
            self._forget_reused()
        self._last_scan = now
        self._has_unknown = False
        # Most names are those of the last search, so only the others are looked at one by one.
        there = set(os.listdir(_PROC)) - self._no_processes  # noqa: PTH208 - names only
        self._no_processes.update(name for name in there - self._known.keys() if not name.isdigit())
        there -= self._no_processes
        there.discard(skip)
        for name in self._known.keys() - there:
            del self._known[name]
            self._tokens.pop(name, None)
        for name in there - self._known.keys():
            # The session identifies its attempt at less cost, and also while the process replaces its program and
            # has no environment.
            token = (leaders.get(name) or leaders.get(_session(name)) if leaders else "") or _token_of(name)
            if token is None:
                self._has_unknown = True
            else:
                self._known[name] = _inode(name)
                if token:
                    self._tokens[name] = token
        return sorted(((token, int(name)) for name, token in self._tokens.items()), key=lambda pair: pair[1])

    def _forget_reused(self) -> None:
        """Forget processes whose pid was reused since the last scan."""
        for name, inode in list(self._known.items()):
            if _inode(name) != inode:
                del self._known[name]
                self._tokens.pop(name, None)

    def kill_group(
        self, token: str, leader: int | None, leaders: Mapping[str, str], is_short: bool = False
    ) -> bool:
        """Kill the process group of an attempt whose session leader has exited.

        Args:
            token: Token of the attempt.
            leader: As for `kill`.
            leaders: As for `kill`.
            is_short: Whether the attempt ran for less than `SHORT`.

        Returns:
            Whether the attempt certainly has no other processes.
        """
        _kill_group(leader)
        if is_short and leader is not None and HAS_PROC:
            with self._spawning:
                pids = pids_since(leader)
                if pids is not None and self._are_of_others(token, pids, leaders):
                    return True
        skip = "" if leader is None else str(leader)
        return not self.find(token, skip, leaders) and not self._has_unknown

    @staticmethod
    def _are_of_others(token: str, pids: range, leaders: Mapping[str, str]) -> bool:
        """Return whether an attempt certainly has no process among some pids, and starts none."""
        seen = pids.start
        while seen < pids.stop:
            for pid in range(seen, pids.stop):
                name = str(pid)
                if _inode(name) and (leaders.get(name) or leaders.get(_session(name)) or _token_of(name)) in (
                    token,
                    None,
                ):
                    return False
            # A process of the attempt may have started another one, and exited before it was looked at.
            later = pids_since(pids.start - 1)
            if later is None:
                return False
            seen, pids = pids.stop, later
        return True

    def kill(
        self, token: str, leader: int | None, ended: bool = False, leaders: Mapping[str, str] = {}
    ) -> None:
        """Kill every process of an attempt.

        Args:
            token: Token of the attempt.
            leader: Pid of its session leader, if that is not waited for yet: no other process can have this pid.
            ended: Whether the leader itself has exited.
            leaders: Tokens of session leaders that are not waited for yet, by pid.
        """
        skip = str(leader) if ended else ""
        _kill_group(leader)
        # A process that forks while it is killed leaves a child behind, so the search is repeated until none is left. A
        # process that cannot be killed (it waits for a dead network drive) must not block the others.
        alive: list[int] = []
        for _ in range(_ROUNDS):
            alive = [pid for pid in self.find(token, skip, leaders) if not _is_zombie(pid)]
            if not alive and not self._has_unknown:
                return
            _kill(alive)
        _log.warning("processes %s of instance %s could not be killed", alive, token)


def _kill_group(leader: int | None) -> None:
    if leader is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def _kill(pids: list[int]) -> None:
    """Kill processes, and wait at most a tenth of a second for their end."""
    poll = select.poll()
    handles: list[int] = []
    for pid in pids:
        try:
            # A pidfd never refers to another process that reuses the pid.
            handles.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue
        except OSError:
            # No descriptor is left. The process was seen with its token just now.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(handles[-1], signal.SIGKILL)
        poll.register(handles[-1], select.POLLIN)
    alive_count = len(handles)
    while alive_count:
        gone = poll.poll(100)
        if not gone:
            break
        for handle, _ in gone:
            poll.unregister(handle)
        alive_count -= len(gone)
    for handle in handles:
        os.close(handle)


def _token_of(pid: str) -> str | None:
    """Return the token in the environment of a process.

    Returns:
        The token; ``""`` if there is none, and None if the environment cannot be read yet.

    Raises:
        OSError: The machine is short of resources at this moment.
    """
    reads_without = 0
    for _ in range(_ENVIRONMENT_READS):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - once for each process
                environment = file.read()
        except PermissionError:
            return ""
        except OSError as error:
            if is_transient(error):
                raise
            # Some kernels report an error for a process that has no memory.
            environment = b""
        if environment:
            break
        if _has_none(pid):
            # This is also true for an instant while the kernel replaces the program, before it has set the environment.
            reads_without += 1
            if reads_without == _EMPTY_READS:
                return ""
        # Kernel threads and exited processes have no environment. A process that replaces its program has none for an
        # instant, and is read again.
        if _is_kernel_thread(pid):
            return ""
        if _is_zombie(int(pid)):
            # It has exited. It is read only once, because it may remain for long.
            return ""
        time.sleep(0.0005)
    else:
        return None
    start = environment.find(_MARKER)
    while start > 0 and environment[start - 1] != 0:
        start = environment.find(_MARKER, start + 1)
    if start < 0:
        return ""
    return environment[start + len(_MARKER) :].partition(b"\0")[0].decode("utf-8", "replace")


def _has_none(pid: str) -> bool:
    """Return whether the environment of a process is empty, and not only missing while it replaces its program."""
    fields = _stat(pid)
    return len(fields) > 48 and fields[47] == fields[48] != b"0"


def _inode(pid: str) -> int:
    """Return the inode of the directory of a process, which a later process of the same pid does not have; 0 for none."""
    try:
        return os.stat(f"/proc/{pid}").st_ino  # noqa: PTH116 - once for each process
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _session(pid: str) -> str:
    """Return the session of a process; empty if the process is gone."""
    stat = _stat(pid)
    return stat[3].decode("ascii") if len(stat) > 3 else ""


def _stat(pid: str) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - once for each process
            stat = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return [b"X", b"0"]
    return stat.rpartition(b")")[2].split()


def _is_kernel_thread(pid: str) -> bool:
    return pid == "2" or _stat(pid)[1] == b"2"


def _is_zombie(pid: int) -> bool:
    return _stat(str(pid))[0] in (b"Z", b"X")

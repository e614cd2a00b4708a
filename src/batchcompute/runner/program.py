"""The program of one attempt: started, watched, ended at its time limit, with everything that it has started."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from batchcompute.runner.processes import SHORT, AttemptProcesses
from batchcompute.runner.shim import NOT_RUN
from batchcompute.runner.spawning import has_ended, pidfd_of, spawn, wait_for
from batchcompute.runner.spec import ProcessSpec

__all__ = ["End", "Programs"]

_POLL = 0.05
"""Seconds between two looks at a process without a pidfd."""

_KILLS = 100
"""Searches, a tenth of a second apart, for processes of an attempt while the machine is short of descriptors."""

_ATTEMPTS = 5
"""Attempts to start a program for which the machine has no process left."""


class End(NamedTuple):
    """The end of a program."""

    code: int | None
    """Exit code; None if a signal ended it."""
    signal: int = 0
    """Number of the signal that ended it; 0 for none."""
    timed_out: bool = False
    """Whether it was ended because of its time limit."""
    was_stopped: bool = False
    """Whether it was ended because the runner ends."""
    has_run: bool = True
    """Whether the program ran. If not, the machine had no process left for it."""
    was_given_up: bool = False
    """Whether it was ended because its attempt was given up."""


class Programs:
    """Runs the programs of a runner.

    Args:
        stop_fd: Descriptor that becomes readable when all programs have to end.
    """

    def __init__(self, stop_fd: int) -> None:
        self._stop_fd = stop_fd
        # Held while a process is started, and while processes are searched. So no search finds a process between its fork
        # and its exec, when it still has the environment of this process.
        self._spawning = threading.Lock()
        self._processes = AttemptProcesses(self._spawning)
        self._leaders: dict[str, str] = {}
        """Tokens of session leaders that are not waited for yet, by pid."""
        self._given_up: set[str] = set()
        """Tokens of attempts that were given up while they ran."""
        self._earlier: frozenset[str] | None = None
        """Tokens of attempts that this machine ran before; None if they are not known yet."""

    def is_alive(self, token: str) -> bool:
        """Return whether this machine has a process of an attempt.

        Raises:
            OSError: The processes of the machine cannot be listed at this moment.
        """
        if self._earlier is None:
            # A search takes as long as a short program. A process that another runner starts later has a record before.
            self._earlier = frozenset(self._processes.find_all(""))
        return token in self._earlier and bool(self._processes.find(token, "", dict(self._leaders)))

    def end(self, token: str) -> None:
        """End the program of an attempt, if it runs. Its `End` says that it was given up.

        Raises:
            OSError: The processes of the machine cannot be listed at this moment.
        """
        with self._spawning:
            if token not in self._leaders.values():
                return
            self._given_up.add(token)
        self._processes.kill(token, None, False, dict(self._leaders))

    def run(self, spec: ProcessSpec, time_limit: float) -> End:
        """Run a program to its end.

        Args:
            spec: The process.
            time_limit: Seconds after which it is ended.

        Raises:
            OutputBlocked: A file for its output cannot be made.
            OSError: The process cannot be created.
            ValueError: The command or a variable contains a NUL, or characters that no process can be given.
        """
        number = 1
        while True:
            end = self._run(spec, time_limit)
            if end.has_run or end.was_stopped or number == _ATTEMPTS:
                return end
            time.sleep(0.1 * 2**number)
            number += 1

    def _run(self, spec: ProcessSpec, time_limit: float) -> End:
        # The shim writes its record to a file of this attempt, and the runner writes the one that others read, when the
        # outputs are uploaded.
        record = os.memfd_create("record")
        try:
            process = self._spawn(spec, record)
            try:
                start = time.monotonic()
                end = self._watch(process.pid, lambda: has_ended(process), time_limit)
                if not self._is_alone(spec.token, process, time.monotonic() - start):
                    self._kill(spec.token, process)
                code = wait_for(process)
            finally:
                with self._spawning:
                    del self._leaders[str(process.pid)]
            has_run = code != NOT_RUN or os.fstat(record).st_size > 0
        finally:
            os.close(record)
        signal = -code if code is not None and code < 0 else 0
        is_given_up = spec.token in self._given_up
        self._given_up.discard(spec.token)
        return End(None if signal else code, signal, end == "time limit", end == "stop", has_run, is_given_up)

    def _spawn(self, spec: ProcessSpec, record: int) -> subprocess.Popen[bytes]:
        try:
            with self._spawning:
                process = spawn(spec, record)
                self._leaders[str(process.pid)] = spec.token
                return process
        except (OSError, ValueError):
            # The process may exist in spite of the error.
            self._kill(spec.token, None)
            raise

    def _is_alone(self, token: str, process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Return whether an attempt certainly has no process but its shim, which has exited."""
        try:
            return has_ended(process) and self._processes.kill_group(
                token, process.pid, dict(self._leaders), seconds < SHORT
            )
        except OSError:
            return False

    def _kill(self, token: str, process: subprocess.Popen[bytes] | None) -> None:
        """Kill all processes of an attempt."""
        for number in range(_KILLS):
            try:
                pid, is_ended = (process.pid, has_ended(process)) if process is not None else (None, False)
                self._processes.kill(token, pid, is_ended, dict(self._leaders))
            except OSError:
                # No descriptor is left at this moment. A process that runs on would disturb the next attempt.
                if number == _KILLS - 1:
                    raise
                time.sleep(0.1)
            else:
                return

    def _watch(self, pid: int, has_exited: Callable[[], bool], time_limit: float) -> str:
        """Wait for the end of a process, and return its reason."""
        deadline = time.monotonic() + time_limit
        pidfd = pidfd_of(pid)
        try:
            poll = select.poll()
            poll.register(self._stop_fd, select.POLLIN)
            if pidfd >= 0:
                poll.register(pidfd, select.POLLIN)
            while not has_exited():
                rest = deadline - time.monotonic()
                if rest <= 0:
                    return "time limit"
                # The largest time-out of poll is 24 days.
                longest = min(rest, 86400.0 if pidfd >= 0 else _POLL)
                if any(fd == self._stop_fd for fd, _ in poll.poll(longest * 1000 + 1)):
                    return "exit" if has_exited() else "stop"
            return "exit"
        finally:
            if pidfd >= 0:
                os.close(pidfd)

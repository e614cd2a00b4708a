"""The processes of attempts on this machine: started, watched, and killed with everything that they have started."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import select
import selectors
import subprocess
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, NamedTuple

from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.processes import SHORT, AttemptProcesses
from batchcompute.runner.spawning import has_ended, is_shim_process, pidfd_of, spawn, wait_for
from batchcompute.runner.spec import ProcessSpec
from batchcompute.service.clock import SYSTEM_CLOCK, Clock

__all__ = ["ProcessState", "ProcessTable"]

_log = logging.getLogger("batchcompute.service.engine")
_POLL = 0.02
"""Seconds between two polls of processes without a pidfd."""

_LONGEST_WAIT = 1.0
"""Seconds after which the thread checks its queue even if nothing has woken it."""

_RETRY = 0.2
"""Seconds after which the thread continues after an error."""

_LONG_AGO: Final = float("-inf")
"""A time before all others."""


@dataclass(slots=True, eq=False)
class _Attempt:
    token: Token
    process: subprocess.Popen[bytes] | None = None
    """The shim; None for an attempt of an earlier service."""
    pidfd: int = -1
    """Reports that the shim has exited; -1 if the shim is polled instead."""
    started: float = _LONG_AGO
    """Time of its start, on the monotonic clock; `_LONG_AGO` for an attempt of an earlier service."""
    cleaning: bool = False
    """Whether the thread is killing remaining processes of the attempt."""


class ProcessState(NamedTuple):
    """The state of the processes of an attempt."""

    phase: Literal["running", "ending", "exited"]
    """``ending``: the shim has exited, and remaining processes of the attempt are being killed."""
    exit_code: int | None = None
    """Exit code of the shim; None if it is unknown, because an earlier service has started the shim."""
    signal: int = 0
    """Number of the signal that ended the shim itself, so that there is no exit code; 0 for none."""


_RUNNING: Final = ProcessState("running")
_ENDING: Final = ProcessState("ending")


class ProcessTable:
    """The processes of attempts on this machine.

    The calling thread spawns a process. One background thread watches all pidfds, and detects processes that exit.
    No process is spawned on an event loop, and no process is waited for twice. A process without a pidfd is polled: the
    platform may not support pidfds, or no descriptor may be free.

    A short program ends while the calling thread has other work. `poll` therefore looks at new processes itself, and the
    background thread watches them only when `watch` says that the calling thread is about to wait.

    An error of the system is not an answer: a state that cannot be determined stays as it was, and is checked again.

    Args:
        clock: The source of time.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._changed: Callable[[], None] = lambda: None
        self._states: dict[Token, ProcessState] = {}
        self._attempts: dict[Token, _Attempt] = {}
        self._exited: dict[Token, _Attempt] = {}
        """Attempts whose shim has exited, until all their processes have."""
        self._unwatched: dict[Token, _Attempt] = {}
        """Attempts without a pidfd."""
        self._new: dict[int, _Attempt] = {}
        """Attempts that only `poll` looks at, by pidfd."""
        self._new_exits = select.poll()
        self._closed = False
        self._leave = False
        self._close_lock = threading.Lock()
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # Held while a process is started, and while processes are searched. So no search finds a process between its fork
        # and its exec, when it still has the environment of this process.
        self._spawning = threading.Lock()
        self._processes = AttemptProcesses(self._spawning)
        with contextlib.ExitStack() as stack:
            self._selector = selectors.DefaultSelector()
            stack.callback(self._selector.close)
            self._wake_read, self._wake_write = os.pipe()
            stack.callback(os.close, self._wake_read)
            stack.callback(os.close, self._wake_write)
            os.set_blocking(self._wake_write, False)
            self._selector.register(self._wake_read, selectors.EVENT_READ)
            self._thread = threading.Thread(target=self._run, name="batchcompute-engine", daemon=True)
            self._thread.start()
            # From here on, `close` releases these resources.
            stack.pop_all()

    # -- called from other threads ------------------------------------------------------------

    def bind(self, changed: Callable[[], None]) -> None:
        """Set the function that is called when the processes of an attempt have exited."""
        self._changed = changed

    def start(self, spec: ProcessSpec, records: int) -> None:
        """Start the shim of an attempt.

        Args:
            spec: The process.
            records: Descriptor of the record file.

        Raises:
            OSError: The process cannot be created. Its token can be started again.
            ValueError: The command or a variable contains a NUL.
        """
        try:
            with self._spawning:
                process = spawn(spec, records)
                self._states[spec.token] = _RUNNING
                started = self._clock.monotonic()
                attempt = _Attempt(spec.token, process, pidfd_of(process.pid), started)
                if attempt.pidfd < 0:
                    self._watch(attempt)
                else:
                    self._attempts[attempt.token] = self._new[attempt.pidfd] = attempt
                    self._new_exits.register(attempt.pidfd, select.POLLIN)
        except BaseException:
            self._states.pop(spec.token, None)
            with contextlib.suppress(OSError):
                # The process may exist in spite of the error.
                self._processes.kill(spec.token, None)
            raise

    def poll(self, tokens: Iterable[Token]) -> Mapping[Token, ProcessState]:
        """Return the states of attempts that were started.

        The calling thread settles exited attempts, which avoids a switch between two threads for each.
        """
        with self._spawning:
            for pidfd, _ in self._new_exits.poll(0):
                attempt = self._take_new(pidfd)
                os.close(pidfd)
                self._attempts.pop(attempt.token)
                self._exited[attempt.token] = attempt
            exited = [attempt for attempt in self._exited.values() if not attempt.cleaning]
        for attempt in exited:
            try:
                if self._is_settled(attempt):
                    self._settle(attempt)
                    continue
            except OSError as error:
                _log.warning(
                    "processes that instance %s has left cannot be searched now: %s", attempt.token, error
                )
                continue
            # Processes remain, and killing them may take long.
            attempt.cleaning = True
            self._submit(partial(self._clean_up, attempt))
        return {token: _ENDING if token in self._exited else self._states[token] for token in tokens}

    def watch(self) -> None:
        """Report all exits from now on, because the caller is about to wait for them."""
        with self._spawning:
            for pidfd in list(self._new):
                self._watch(self._take_new(pidfd))

    def _take_new(self, pidfd: int) -> _Attempt:
        self._new_exits.unregister(pidfd)
        return self._new.pop(pidfd)

    def kill(self, tokens: Iterable[Token]) -> None:
        """End attempts, with all processes that they have started, in the background."""
        chosen = list(tokens)
        # The background thread kills them, so it has to notice their exits, too: no pid is free for reuse meanwhile.
        self.watch()
        self._submit(lambda: self._kill_all(chosen))

    def forget(self, tokens: Iterable[Token]) -> None:
        """Forget attempts that have exited."""
        for token in tokens:
            self._states.pop(token, None)

    def adopt(self, tokens: Collection[Token], token_prefix: str) -> set[Token]:
        """Watch the attempts of an earlier service that still run, and kill the processes of all others.

        Args:
            tokens: The attempts that should be running.
            token_prefix: Prefix of the tokens of all attempts of this service.

        Returns:
            The attempts that run.

        Raises:
            OSError: The processes of the machine cannot be listed at this moment.
        """
        running: set[Token] = set()
        processes = AttemptProcesses(self._spawning)
        for token, pids in processes.find_all(token_prefix).items():
            shim = next((pid for pid in pids if is_shim_process(pid)), None)
            pidfd = pidfd_of(shim, must=True) if token in tokens and shim is not None else -1
            if pidfd < 0:
                # The shim has exited, or the attempt is not expected to run.
                processes.kill(token, None)
                continue
            self._states[token] = _RUNNING
            self._submit(partial(self._watch, _Attempt(token, None, pidfd)))
            running.add(token)
        return running

    def close(self, leave: bool = False) -> None:
        """End all attempts, and the thread.

        Args:
            leave: Whether running attempts are left to a later service.
        """
        with self._close_lock:
            if self._closed:
                return
            self._leave = leave
            self._queue.put(None)
            self._wake()
            self._closed = True
        self._thread.join()
        # Not earlier: the thread reads from the pipe until it ends.
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _submit(self, work: Callable[[], None]) -> None:
        """Pass some work to the engine's thread."""
        with self._close_lock:
            if not self._closed:
                self._queue.put(work)
                self._wake()

    def _wake(self) -> None:
        # A full pipe also wakes the thread, and the thread wakes after `_LONGEST_WAIT` anyway.
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")

    # -- called by the engine's thread --------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                if self._round():
                    return
            except Exception:  # noqa: BLE001
                # All attempts need this thread, so no error ends it.
                _log.exception("a round of the engine failed; it is repeated")
                self._clock.sleep(_RETRY)

    def _round(self) -> bool:
        """Wait for exits and for work, do the work, and return whether the engine is closed."""
        ended = False
        for key, _ in self._selector.select(_POLL if self._unwatched else _LONGEST_WAIT):
            if key.fd == self._wake_read:
                os.read(self._wake_read, 4096)
            else:
                self._do(partial(self._shim_exited, key.data))
                ended = True
        for attempt in list(self._unwatched.values()):
            if attempt.process is None or has_ended(attempt.process):
                self._do(partial(self._shim_exited, attempt))
                ended = True
        while not self._queue.empty():
            work = self._queue.get()
            if work is None:
                self._finish()
                return True
            self._do(work)
        if ended:
            self._changed()
        return False

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001
            # An error in the work for one attempt must not end the thread that all others need.
            _log.exception("the engine failed to do some work")

    def _finish(self) -> None:
        self.watch()
        for attempt in [] if self._leave else list(self._attempts.values()):
            self._do(partial(self._kill, attempt))
            self._do(partial(self._shim_exited, attempt))
        for attempt in list(self._exited.values()):
            self._do(partial(self._kill, attempt, ended=True))
            self._do(partial(self._settle, attempt))
        if self._leave:
            for attempt in self._attempts.values():
                if attempt.process is not None:
                    # The next service waits for it, so Popen must not warn.
                    attempt.process.returncode = 0
        self._selector.close()

    def _watch(self, attempt: _Attempt) -> None:
        self._attempts[attempt.token] = attempt
        if attempt.pidfd >= 0:
            try:
                self._selector.register(attempt.pidfd, selectors.EVENT_READ, attempt)
                return
            except OSError as error:
                _log.warning(
                    "instance %s is polled, because its pidfd cannot be watched: %s", attempt.token, error
                )
                os.close(attempt.pidfd)
                attempt.pidfd = -1
        self._unwatched[attempt.token] = attempt
        self._wake()

    def _shim_exited(self, attempt: _Attempt) -> None:
        # The processes that the shim has started are killed, too. The pid of the shim, and its process group, are not
        # reused until the shim is waited for.
        with self._spawning:
            self._exited[attempt.token] = attempt
            self._attempts.pop(attempt.token, None)
            self._unwatched.pop(attempt.token, None)
        if attempt.pidfd >= 0:
            self._selector.unregister(attempt.pidfd)
            os.close(attempt.pidfd)

    def _is_settled(self, attempt: _Attempt) -> bool:
        """Kill the process group of an exited attempt, and return whether no other process of the attempt remains."""
        is_short = self._clock.monotonic() - attempt.started < SHORT
        return self._processes.kill_group(
            attempt.token, self._leader(attempt), self._leaders(attempt), is_short
        )

    def _clean_up(self, attempt: _Attempt) -> None:
        try:
            self._kill(attempt, ended=True)
            self._settle(attempt)
        finally:
            attempt.cleaning = False
            self._changed()

    def _settle(self, attempt: _Attempt) -> None:
        """Set the state of an attempt whose processes have all exited."""
        code = wait_for(attempt.process) if attempt.process is not None else None
        signal = -code if code is not None and code < 0 else 0
        self._states[attempt.token] = ProcessState("exited", None if signal else code, signal)
        with self._spawning:
            self._exited.pop(attempt.token, None)

    def _leaders(self, attempt: _Attempt) -> dict[str, str]:
        """Return the tokens of session leaders that are not waited for yet, by pid."""
        with self._spawning:
            return {
                str(other.process.pid): other.token
                for other in (*self._attempts.values(), attempt)
                if other.process is not None and other.process.returncode is None
            }

    def _kill(self, attempt: _Attempt, ended: bool = False) -> None:
        self._processes.kill(attempt.token, self._leader(attempt), ended, self._leaders(attempt))

    @staticmethod
    def _leader(attempt: _Attempt) -> int | None:
        """Return the pid of the session leader of an attempt, if no other process can have it."""
        return attempt.process.pid if attempt.process and attempt.process.returncode is None else None

    def _kill_all(self, tokens: Iterable[Token]) -> None:
        for token in tokens:
            with self._spawning:
                attempt = self._attempts.get(token)
            if attempt is not None:
                self._kill(attempt)

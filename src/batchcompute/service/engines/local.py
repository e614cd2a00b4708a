"""The built-in engine: attempts are processes of this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import selectors
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.os_errors import has_no_room
from batchcompute.runner.processes import HAS_PROC, AttemptProcesses
from batchcompute.runner.spawning import (
    HAS_PIDFD,
    OutputBlocked,
    has_ended,
    is_shim_process,
    pidfd_of,
    spawn,
    wait_for,
)
from batchcompute.runner.spec import ProcessSpec
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.engines.base import (
    Capabilities,
    EngineState,
    Handle,
)

__all__ = ["LocalEngine"]

_log = logging.getLogger("batchcompute.service.engine")
_NODE = "127.0.0.1"
_MOST_CANCELLED = 10_000
"""Largest number of remembered attempts that were cancelled before their start."""

_POLL = 0.02
"""Seconds between two polls of processes without a pidfd."""

_LONGEST_WAIT = 1.0
"""Seconds after which the thread checks its queue even if nothing has woken it."""

_RETRY = 0.2
"""Seconds after which the thread continues after an error."""


@dataclass(slots=True, eq=False)
class _Attempt:
    token: Token
    process: subprocess.Popen[bytes] | None = None
    """The shim; None for an attempt of an earlier service."""
    pidfd: int = -1
    """Reports that the shim has exited; -1 if the shim is polled instead."""
    cleaning: bool = False
    """Whether the thread is killing remaining processes of the attempt."""


class LocalEngine:
    """Runs attempts as processes of this machine.

    The calling thread spawns the process. One background thread watches all pidfds, and detects processes that exit.
    No process is spawned on an event loop, and no process is waited for twice. A process without a pidfd is polled: the
    platform may not support pidfds, or no descriptor may be free.

    An error of the system is not an answer: a state that cannot be determined stays as it was, and is checked again.

    Args:
        slots: Largest number of attempts that run at the same time.
        clock: The source of time.
    """

    name: str = "local"

    def __init__(self, slots: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self.capabilities: Capabilities = Capabilities(slots=slots, adopts=HAS_PROC and HAS_PIDFD)
        self._clock = clock
        self._changed: Callable[[], None] = lambda: None
        self._states: dict[Handle, EngineState] = {}
        self._attempts: dict[Handle, _Attempt] = {}
        self._cancelled: dict[Handle, None] = {}
        self._exited: dict[Token, _Attempt] = {}
        """Attempts whose shim has exited, until all their processes have."""
        self._unwatched: dict[Token, _Attempt] = {}
        """Attempts without a pidfd."""
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
        """Set the function that is called when an attempt has ended."""
        self._changed = changed

    def start(self, batch: Sequence[ProcessSpec]) -> Sequence[Handle]:
        """Start attempts. A token that was started before is not started again."""
        failed = False
        for spec in batch:
            if spec.token not in self._states:
                failed |= not self._start(spec)
        if failed:
            self._changed()
        return [spec.token for spec in batch]

    def _start(self, spec: ProcessSpec) -> bool:
        """Start an attempt; return whether it runs now."""
        if self._try_start(spec):
            return True
        with contextlib.suppress(OSError):
            # The process may exist in spite of the error.
            self._processes.kill(spec.token, None)
        return False

    def _try_start(self, spec: ProcessSpec) -> bool:
        token = spec.token
        with self._spawning:
            if token in self._cancelled:
                # The attempt was cancelled between the record of its start and the start itself.
                del self._cancelled[token]
                self._states[token] = EngineState("exited", _NODE, signal=9)
                return False
            try:
                process = spawn(spec)
            except Exception as error:  # noqa: BLE001 - whatever the error is, this attempt does not run
                # A shortage of processes, memory or descriptors is temporary.
                retryable = has_no_room(error)
                self._states[token] = EngineState(
                    "lost", _NODE, f"cannot start: {error}", isinstance(error, OutputBlocked), retryable
                )
                return False
            self._states[token] = EngineState("running", _NODE)
            self._watch(_Attempt(token, process, pidfd_of(process.pid)))
        return True

    def poll(self, handles: Iterable[Handle]) -> Mapping[Handle, EngineState]:
        """Return the states of attempts.

        The calling thread settles exited attempts, which avoids a switch between two threads for each.
        """
        with self._spawning:
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
        lost = EngineState("lost", reason="the engine does not know it")
        ending = EngineState("ending", _NODE)
        return {
            handle: ending if handle in self._exited else self._states.get(handle, lost) for handle in handles
        }

    def cancel(self, handles: Iterable[Handle]) -> None:
        """End attempts, with all processes that they have started."""
        chosen = list(handles)
        self._submit(lambda: self._kill_all(chosen))

    def forget(self, handles: Iterable[Handle]) -> None:
        """Forget attempts whose outcomes are recorded."""
        for handle in handles:
            self._states.pop(handle, None)

    def reconcile(self, tokens: Iterable[Token], token_prefix: str) -> Mapping[Token, Handle | None]:
        """Find the attempts of an earlier service that still run, and kill the processes of all others.

        Raises:
            OSError: The processes of the machine cannot be listed at this moment.
        """
        result: dict[Token, Handle | None] = dict.fromkeys(tokens)
        processes = AttemptProcesses(self._spawning)
        for token, pids in processes.find_all(token_prefix).items():
            shim = next((pid for pid in pids if is_shim_process(pid)), None)
            pidfd = pidfd_of(shim, must=True) if token in result and shim is not None else -1
            if pidfd < 0:
                # The shim has exited, or the attempt is not expected to run.
                processes.kill(token, None)
                continue
            self._states[token] = EngineState("running", _NODE)
            self._submit(partial(self._watch, _Attempt(token, None, pidfd)))
            result[token] = token
        return result

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
        return self._processes.kill_group(attempt.token, self._leader(attempt), True, self._leaders(attempt))

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
        state = EngineState("exited", _NODE, exit_code=None if signal else code, signal=signal)
        self._states[attempt.token] = state
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

    def _kill_all(self, handles: Iterable[Handle]) -> None:
        for handle in handles:
            with self._spawning:
                attempt = self._attempts.get(handle)
                if attempt is None and handle not in self._states:
                    # The attempt has not started yet, and must not start.
                    self._cancelled[handle] = None
                    if len(self._cancelled) > _MOST_CANCELLED:
                        del self._cancelled[next(iter(self._cancelled))]
            if attempt is not None:
                self._kill(attempt)

"""The built-in engine: instances are processes of this machine.

The calling thread spawns the process. One background thread watches all pidfds and learns of processes that exit.
Nothing is ever spawned on an event loop, and no process is waited for twice. A process for which there is no
pidfd, because the platform has none or no descriptor is left, is looked at now and then.

An error of the system is never taken for an answer: what cannot be found out now stays as it was, and is looked
at again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

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
from batchcompute.runner.spec import ProcessSpec, Token
from batchcompute.service.engines.base import (
    Capabilities,
    EngineState,
    Handle,
)

__all__ = ["LocalEngine"]

_log = logging.getLogger("batchcompute.service.engine")
_NODE = "127.0.0.1"
_MOST_CANCELLED = 10_000
"""Cancelled attempts that were never started and are remembered."""

_LOOK = 0.02
"""Seconds between two looks at processes that have no pidfd."""

_LONGEST = 1.0
"""Seconds after which the engine's thread looks for orders even if nothing has woken it."""

_TROUBLE = 0.2
"""Seconds after which the engine's thread goes on when the system has failed it."""


@dataclass(slots=True, eq=False)
class _Attempt:
    token: Token
    process: subprocess.Popen[bytes] | None = None
    """The shim; None for an attempt that an earlier service started."""
    pidfd: int = -1
    """Tells its end; -1 where it is looked at now and then in its place."""
    cleaning: bool = False
    """Whether the engine's thread is ending what it has left running."""


class LocalEngine:
    """Runs instances as processes of this machine.

    Args:
        slots: How many the service may have running at once.
    """

    name: str = "local"

    def __init__(self, slots: int) -> None:
        self.capabilities: Capabilities = Capabilities(slots=slots, adopts=HAS_PROC and HAS_PIDFD)
        self._changed: Callable[[], None] = lambda: None
        self._states: dict[Handle, EngineState] = {}
        self._attempts: dict[Handle, _Attempt] = {}
        self._cancelled: dict[Handle, None] = {}
        self._over: dict[Token, _Attempt] = {}
        """Attempts whose shim has ended, until what they leave behind is looked after."""
        self._unwatched: dict[Token, _Attempt] = {}
        """Attempts without a pidfd."""
        self._closed = False
        self._leave = False
        self._close_lock = threading.Lock()
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # Held while a process is started and while processes are looked for: none is ever seen between
        # its fork and its exec, when it still has the environment of this process.
        self._spawning = threading.Lock()
        self._sweeper = AttemptProcesses(self._spawning)
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
            # From here on, `close` gives them back.
            stack.pop_all()

    # -- called from other threads ------------------------------------------------------------

    def bind(self, changed: Callable[[], None]) -> None:
        """Set what is called when an attempt has ended."""
        self._changed = changed

    def start(self, batch: Sequence[ProcessSpec]) -> Sequence[Handle]:
        """Start attempts; a token that was started before is not started again."""
        failed = False
        for start in batch:
            if start.token not in self._states:
                failed |= not self._start(start)
        if failed:
            self._changed()
        return [start.token for start in batch]

    def _start(self, start: ProcessSpec) -> bool:
        """Start an attempt; return whether it runs now."""
        if self._try_start(start):
            return True
        with contextlib.suppress(OSError):
            # The error may have come after the process was made.
            self._sweeper.kill(start.token, None)
        return False

    def _try_start(self, start: ProcessSpec) -> bool:
        token = start.token
        with self._spawning:
            if token in self._cancelled:
                # It was given up between the record of its start and the start itself.
                del self._cancelled[token]
                self._states[token] = EngineState("exited", _NODE, signal=9)
                return False
            try:
                process = spawn(start)
            except Exception as error:  # noqa: BLE001 - whatever it is, this attempt does not run
                # Out of processes, memory or open files: that passes.
                retryable = has_no_room(error)
                self._states[token] = EngineState(
                    "lost", _NODE, f"cannot start: {error}", isinstance(error, OutputBlocked), retryable
                )
                return False
            self._states[token] = EngineState("running", _NODE)
            self._watch(_Attempt(token, process, pidfd_of(process.pid)))
        return True

    def poll(self, handles: Iterable[Handle]) -> Mapping[Handle, EngineState]:
        """Return where attempts are.

        What has ended is looked after here, by the caller, so that two threads do not take turns for it.
        """
        with self._spawning:
            over = [attempt for attempt in self._over.values() if not attempt.cleaning]
        for attempt in over:
            try:
                if self._is_clean(attempt):
                    self._settle(attempt)
                    continue
            except OSError as error:
                _log.warning("what instance %s left running cannot be looked for: %s", attempt.token, error)
                continue
            # Something is left of it that may take long to end.
            attempt.cleaning = True
            self._order(partial(self._clean_up, attempt))
        lost = EngineState("lost", reason="the engine does not know it")
        ending = EngineState("ending", _NODE)
        return {
            handle: ending if handle in self._over else self._states.get(handle, lost) for handle in handles
        }

    def cancel(self, handles: Iterable[Handle]) -> None:
        """End attempts, with every process that they have started."""
        chosen = list(handles)
        self._order(lambda: self._kill_all(chosen))

    def forget(self, handles: Iterable[Handle]) -> None:
        """Drop what is known of attempts whose end is recorded."""
        for handle in handles:
            self._states.pop(handle, None)

    def reconcile(self, tokens: Iterable[Token], token_prefix: str) -> Mapping[Token, Handle | None]:
        """Find attempts that were started by an earlier service, and end what else is left of it.

        Raises:
            OSError: The machine cannot tell at this moment.
        """
        result: dict[Token, Handle | None] = dict.fromkeys(tokens)
        sweeper = AttemptProcesses(self._spawning)
        for token, pids in sweeper.find_all(token_prefix).items():
            shim = next((pid for pid in pids if is_shim_process(pid)), None)
            pidfd = pidfd_of(shim, must=True) if token in result and shim is not None else -1
            if pidfd < 0:
                # Its shim is gone, or nobody waits for it: what it left behind goes, too.
                sweeper.kill(token, None)
                continue
            self._states[token] = EngineState("running", _NODE)
            self._order(partial(self._watch, _Attempt(token, None, pidfd)))
            result[token] = token
        return result

    def close(self, leave: bool = False) -> None:
        """End every attempt, and the thread.

        Args:
            leave: Whether attempts that run are left alone, to be adopted by a later service.
        """
        with self._close_lock:
            if self._closed:
                return
            self._leave = leave
            self._orders.put(None)
            self._wake()
            self._closed = True
        self._thread.join()
        # Not before: the thread may be gone before it is woken for its end.
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _order(self, order: Callable[[], None]) -> None:
        with self._close_lock:
            if not self._closed:
                self._orders.put(order)
                self._wake()

    def _wake(self) -> None:
        # A full pipe means that the thread will wake anyway; and it looks by itself after a while.
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")

    # -- the engine's thread ------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                if self._round():
                    return
            except Exception:  # noqa: BLE001
                # All others need this thread, so nothing ends it.
                _log.exception("a round of the engine failed; the next one comes soon")
                time.sleep(_TROUBLE)

    def _round(self) -> bool:
        """Wait for something to happen, and look after it; return whether the engine is at its end."""
        ended = False
        for key, _ in self._selector.select(_LOOK if self._unwatched else _LONGEST):
            if key.fd == self._wake_read:
                os.read(self._wake_read, 4096)
            else:
                self._do(partial(self._ended, key.data))
                ended = True
        for attempt in list(self._unwatched.values()):
            if attempt.process is None or has_ended(attempt.process):
                self._do(partial(self._ended, attempt))
                ended = True
        while not self._orders.empty():
            order = self._orders.get()
            if order is None:
                self._finish()
                return True
            self._do(order)
        if ended:
            self._changed()
        return False

    def _do(self, order: Callable[[], None]) -> None:
        try:
            order()
        except Exception:  # noqa: BLE001
            # A defect in one thing must not end the thread that all others need.
            _log.exception("an order of the engine failed")

    def _finish(self) -> None:
        for attempt in [] if self._leave else list(self._attempts.values()):
            self._do(partial(self._sweep, attempt))
            self._do(partial(self._ended, attempt))
        for attempt in list(self._over.values()):
            self._do(partial(self._sweep, attempt, ended=True))
            self._do(partial(self._settle, attempt))
        if self._leave:
            for attempt in self._attempts.values():
                if attempt.process is not None:
                    # How it ends is for the next service to find out, and nothing to warn of here.
                    attempt.process.returncode = 0
        self._selector.close()

    def _watch(self, attempt: _Attempt) -> None:
        self._attempts[attempt.token] = attempt
        if attempt.pidfd >= 0:
            try:
                self._selector.register(attempt.pidfd, selectors.EVENT_READ, attempt)
                return
            except OSError as error:
                _log.warning("the end of instance %s cannot be waited for: %s", attempt.token, error)
                os.close(attempt.pidfd)
                attempt.pidfd = -1
        self._unwatched[attempt.token] = attempt
        self._wake()

    def _ended(self, attempt: _Attempt) -> None:
        # The shim is gone; what it started and left behind goes, too. Until it is waited for, its
        # number is still its own, and so is its group.
        with self._spawning:
            self._over[attempt.token] = attempt
            self._attempts.pop(attempt.token, None)
            self._unwatched.pop(attempt.token, None)
        if attempt.pidfd >= 0:
            self._selector.unregister(attempt.pidfd)
            os.close(attempt.pidfd)

    def _is_clean(self, attempt: _Attempt) -> bool:
        """End the group of an attempt that is over; return whether nothing else is left of it."""
        return self._sweeper.is_gone(attempt.token, self._leader(attempt), True, self._leaders(attempt))

    def _clean_up(self, attempt: _Attempt) -> None:
        try:
            self._sweep(attempt, ended=True)
            self._settle(attempt)
        finally:
            attempt.cleaning = False
            self._changed()

    def _settle(self, attempt: _Attempt) -> None:
        """Record that nothing is left of an attempt."""
        code = wait_for(attempt.process) if attempt.process is not None else None
        signal = -code if code is not None and code < 0 else 0
        state = EngineState("exited", _NODE, exit_code=None if signal else code, signal=signal)
        self._states[attempt.token] = state
        with self._spawning:
            self._over.pop(attempt.token, None)

    def _leaders(self, attempt: _Attempt) -> dict[str, str]:
        """Return the tokens of session leaders that have not been waited for."""
        with self._spawning:
            return {
                str(other.process.pid): other.token
                for other in (*self._attempts.values(), attempt)
                if other.process is not None and other.process.returncode is None
            }

    def _sweep(self, attempt: _Attempt, ended: bool = False) -> None:
        self._sweeper.kill(attempt.token, self._leader(attempt), ended, self._leaders(attempt))

    @staticmethod
    def _leader(attempt: _Attempt) -> int | None:
        """The leader of an attempt's session, if its number is sure to be still its own."""
        return attempt.process.pid if attempt.process and attempt.process.returncode is None else None

    def _kill_all(self, handles: Iterable[Handle]) -> None:
        for handle in handles:
            with self._spawning:
                attempt = self._attempts.get(handle)
                if attempt is None and handle not in self._states:
                    # It has not been started yet, and is not to be.
                    self._cancelled[handle] = None
                    if len(self._cancelled) > _MOST_CANCELLED:
                        del self._cancelled[next(iter(self._cancelled))]
            if attempt is not None:
                self._sweep(attempt)

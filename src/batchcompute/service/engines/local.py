"""The built-in engine: instances are processes of this machine.

One thread does everything: it starts processes, learns of their ends through pidfds, and ends them.
So nothing is ever spawned on an event loop, nothing is polled, and no process is waited for twice.
Where the platform has no pidfds, a thread for each process waits in its place.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from batchcompute.service.engines.base import (
    Capabilities,
    EngineState,
    Handle,
    InstanceStart,
    Token,
)
from batchcompute.service.engines.processes import HAS_PROC, Sweeper
from batchcompute.service.runtime.command import shim

__all__ = ["LocalEngine"]

_log = logging.getLogger("batchcompute.service.engine")
_HAS_PIDFD = hasattr(os, "pidfd_open") and sys.platform.startswith("linux")
_NODE = "127.0.0.1"


@dataclass(slots=True)
class _Attempt:
    token: Token
    process: subprocess.Popen[bytes] | None = None
    """The shim; None for an attempt that an earlier service started."""
    pidfd: int = -1


class LocalEngine:
    """Runs instances as processes of this machine.

    Args:
        slots: How many the service may have running at once.
    """

    name: str = "local"

    def __init__(self, slots: int) -> None:
        self.capabilities: Capabilities = Capabilities(slots=slots, adopts=HAS_PROC and _HAS_PIDFD)
        self._changed: Callable[[], None] = lambda: None
        self._states: dict[Handle, EngineState] = {}
        self._attempts: dict[Handle, _Attempt] = {}
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # Used by the engine's thread only, which also starts all processes: none is ever seen between
        # its fork and its exec, when it still has the environment of this process.
        self._sweeper = Sweeper()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="batchcompute-engine", daemon=True)
        self._thread.start()

    # -- called from other threads ------------------------------------------------------------

    def bind(self, changed: Callable[[], None]) -> None:
        """Set what is called when an attempt has ended."""
        self._changed = changed

    def start(self, batch: Sequence[InstanceStart]) -> Sequence[Handle]:
        """Start attempts; a token that was started before is not started again."""
        new = [start for start in batch if start.token not in self._states]
        for start in new:
            self._states[start.token] = EngineState("queued")
        self._order(lambda: self._spawn_all(new))
        return [start.token for start in batch]

    def poll(self, handles: Iterable[Handle]) -> Mapping[Handle, EngineState]:
        """Tell where attempts are."""
        lost = EngineState("lost", reason="the engine does not know it")
        return {handle: self._states.get(handle, lost) for handle in handles}

    def cancel(self, handles: Iterable[Handle]) -> None:
        """End attempts, with every process that they have started."""
        chosen = list(handles)
        self._order(lambda: self._kill_all(chosen))

    def forget(self, handles: Iterable[Handle]) -> None:
        """Drop what is known of attempts whose end is recorded."""
        for handle in handles:
            self._states.pop(handle, None)

    def reconcile(self, tokens: Iterable[Token]) -> Mapping[Token, Handle | None]:
        """Find attempts that were started by an earlier service."""
        result: dict[Token, Handle | None] = {}
        for token, pids in Sweeper().find(tokens).items():
            # The shim is the oldest process of its attempt, and leads the session.
            leader = next((pid for pid in pids if _leads(pid)), None)
            if leader is None or not self.capabilities.adopts:
                result[token] = None
                continue
            try:
                pidfd = os.pidfd_open(leader)
            except ProcessLookupError:
                result[token] = None
                continue
            self._states[token] = EngineState("running", _NODE)
            self._order(partial(self._watch, _Attempt(token, None, pidfd)))
            result[token] = token
        return result

    def close(self) -> None:
        """End every attempt, and the thread."""
        if not self._thread.is_alive():
            return
        self._order(None)
        self._thread.join()

    def _order(self, order: Callable[[], None] | None) -> None:
        self._orders.put(order)
        # A full pipe means that the thread will wake anyway.
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"x")

    # -- the engine's thread ------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            ended = False
            for key, _ in self._selector.select():
                if key.fd == self._wake_read:
                    os.read(self._wake_read, 4096)
                else:
                    self._ended(key.data)
                    ended = True
            while not self._orders.empty():
                order = self._orders.get()
                if order is None:
                    self._finish()
                    return
                order()
            if ended:
                self._changed()

    def _finish(self) -> None:
        self._kill_all(list(self._attempts))
        for attempt in self._attempts.values():
            if attempt.process is not None:
                attempt.process.wait()
            if attempt.pidfd >= 0:
                os.close(attempt.pidfd)
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _spawn_all(self, batch: Sequence[InstanceStart]) -> None:
        failed = False
        for start in batch:
            try:
                process = _spawn(start)
            except OSError as error:
                self._states[start.token] = EngineState("lost", _NODE, f"cannot start: {error}")
                failed = True
                continue
            self._states[start.token] = EngineState("running", _NODE)
            pidfd = os.pidfd_open(process.pid) if _HAS_PIDFD else -1
            self._watch(_Attempt(start.token, process, pidfd))
        if failed:
            self._changed()

    def _watch(self, attempt: _Attempt) -> None:
        self._attempts[attempt.token] = attempt
        if attempt.pidfd >= 0:
            self._selector.register(attempt.pidfd, selectors.EVENT_READ, attempt)
        elif attempt.process is not None:
            threading.Thread(target=self._wait, args=(attempt,), daemon=True).start()

    def _wait(self, attempt: _Attempt) -> None:
        if attempt.process is not None:
            attempt.process.wait()

        def end() -> None:
            self._ended(attempt)
            self._changed()

        self._order(end)

    def _ended(self, attempt: _Attempt) -> None:
        if attempt.pidfd >= 0:
            self._selector.unregister(attempt.pidfd)
            os.close(attempt.pidfd)
        code = attempt.process.wait() if attempt.process is not None else 0
        del self._attempts[attempt.token]
        # The shim is gone; what it started and left behind goes, too.
        self._sweeper.kill(attempt.token, None)
        self._states[attempt.token] = EngineState("gone", _NODE, signal=max(0, -code))

    def _kill_all(self, handles: Iterable[Handle]) -> None:
        for handle in handles:
            attempt = self._attempts.get(handle)
            if attempt is None:
                continue
            # Only our own child's number is sure to be still its own.
            leader = attempt.process.pid if attempt.process and attempt.process.returncode is None else None
            self._sweeper.kill(handle, leader)


def _spawn(start: InstanceStart) -> subprocess.Popen[bytes]:
    with start.stdout.open("wb") as stdout, start.stderr.open("wb") as stderr:
        return subprocess.Popen(
            shim(start.command),
            cwd=start.directory,
            env={**start.environment, "BC_EXIT": str(start.exit_file), "BC_INSTANCE": start.token},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            # A session of its own, so that the whole group can be ended. Never preexec_fn: it turns
            # vfork off, which costs two thirds of the speed (local-service 3.5).
            start_new_session=True,
        )


def _leads(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False

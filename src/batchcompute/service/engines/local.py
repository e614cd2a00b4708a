"""The built-in engine: instances are processes of this machine.

Who asks for a start spawns the process; one thread learns of their ends through pidfds, and ends them.
So nothing is ever spawned on an event loop, nothing is polled, and no process is waited for twice.
Where the platform has no pidfds, a thread for each process waits in its place.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import queue
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from batchcompute.service.engines.base import (
    Capabilities,
    EngineState,
    Handle,
    InstanceStart,
    Token,
)
from batchcompute.service.engines.processes import HAS_PROC, Sweeper
from batchcompute.service.runtime.command import is_shim, shim

__all__ = ["LocalEngine"]

_log = logging.getLogger("batchcompute.service.engine")
_HAS_PIDFD = hasattr(os, "pidfd_open") and sys.platform.startswith("linux")
_NODE = "127.0.0.1"
_NO_ROOM = frozenset({errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
# Most variables are the same for all instances.
_encoded = lru_cache(maxsize=1024)(os.fsencode)
_MOST_CANCELLED = 10_000
"""Cancelled attempts that were never started and are remembered."""


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
        self._cancelled: dict[Handle, None] = {}
        self._over: queue.SimpleQueue[_Attempt] = queue.SimpleQueue()
        """Attempts whose shim has ended, until what they leave behind is looked after."""
        self._closed = False
        self._leave = False
        self._close_lock = threading.Lock()
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # Held while a process is started and while processes are looked for: none is ever seen between
        # its fork and its exec, when it still has the environment of this process.
        self._spawning = threading.Lock()
        self._sweeper = Sweeper(self._spawning)
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
        failed = False
        for start in batch:
            if start.token not in self._states:
                failed |= not self._start(start)
        if failed:
            self._changed()
        return [start.token for start in batch]

    def _start(self, start: InstanceStart) -> bool:
        """Start an attempt; tell whether it runs now."""
        token = start.token
        with self._spawning:
            if token in self._cancelled:
                # It was given up between the record of its start and the start itself.
                del self._cancelled[token]
                self._states[token] = EngineState("gone", _NODE, signal=9)
                return False
            try:
                process = _spawn(start)
            except (OSError, ValueError) as error:
                # Out of processes, memory or open files: that passes.
                again = isinstance(error, OSError) and error.errno in _NO_ROOM
                self._states[token] = EngineState("lost", _NODE, f"cannot start: {error}", again)
                return False
            self._states[token] = EngineState("running", _NODE)
            self._watch(_Attempt(token, process, _pidfd(process.pid)))
        return True

    def poll(self, handles: Iterable[Handle]) -> Mapping[Handle, EngineState]:
        """Tell where attempts are.

        What has ended is looked after here, by who asks: so two threads do not take turns for it.
        """
        while True:
            try:
                attempt = self._over.get_nowait()
            except queue.Empty:
                break
            if self._is_clean(attempt):
                self._settle(attempt)
            else:
                # Something is left of it that may take long to end.
                self._order(partial(self._clean_up, attempt))
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

    def reconcile(self, tokens: Iterable[Token], family: str) -> Mapping[Token, Handle | None]:
        """Find attempts that were started by an earlier service, and end what else is left of it."""
        result: dict[Token, Handle | None] = dict.fromkeys(tokens)
        sweeper = Sweeper(self._spawning)
        for token, pids in sweeper.find_family(family).items():
            shim = next((pid for pid in pids if _is_shim(pid)), None)
            pidfd = _pidfd(shim) if token in result and shim is not None else -1
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
                    self._do(partial(self._ended, key.data))
                    ended = True
            while not self._orders.empty():
                order = self._orders.get()
                if order is None:
                    self._finish()
                    return
                self._do(order)
            if ended:
                self._changed()

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
        while not self._over.empty():
            attempt = self._over.get()
            self._do(partial(self._sweep, attempt, attempt.pidfd >= 0))
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
        with self._spawning:
            self._attempts.pop(attempt.token, None)
        # The shim is gone; what it started and left behind goes, too. Until it is waited for, its
        # number is still its own, and so is its group.
        self._over.put(attempt)

    def _is_clean(self, attempt: _Attempt) -> bool:
        """End the group of an attempt that is over; tell whether nothing else is left of it."""
        return self._sweeper.is_gone(
            attempt.token, self._leader(attempt), attempt.pidfd >= 0, self._leaders(attempt)
        )

    def _clean_up(self, attempt: _Attempt) -> None:
        self._sweep(attempt, ended=attempt.pidfd >= 0)
        self._settle(attempt)
        self._changed()

    def _settle(self, attempt: _Attempt) -> None:
        code = attempt.process.wait() if attempt.process is not None else 0
        self._states[attempt.token] = EngineState("gone", _NODE, signal=max(0, -code))

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


def _spawn(start: InstanceStart) -> subprocess.Popen[bytes]:
    variables = {**start.environment, "BC_EXIT": str(start.exit_file), "BC_INSTANCE": start.token}
    stdout = stderr = -1
    try:
        stdout = os.open(start.stdout, _NEW, 0o666)
        stderr = os.open(start.stderr, _NEW, 0o666)
        return subprocess.Popen(
            shim(start.command, start.wrapper, start.boxed, start.max_file_size),
            cwd=start.directory,
            env={_encoded(name): _encoded(value) for name, value in variables.items()},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            # A session of its own, so that the whole group can be ended. Never preexec_fn: it turns
            # vfork off, which costs two thirds of the speed (local-service 3.5).
            start_new_session=True,
        )
    finally:
        for descriptor in (stdout, stderr):
            if descriptor >= 0:
                os.close(descriptor)


def _pidfd(pid: int) -> int:
    """Return a pidfd; -1 where there is none to be had, or the process has ended."""
    if not _HAS_PIDFD:
        return -1
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1


def _is_shim(pid: int) -> bool:
    """Tell the shim of an attempt from the programs that it started."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        return os.getsid(pid) == pid and is_shim(arguments)
    except OSError:
        return False

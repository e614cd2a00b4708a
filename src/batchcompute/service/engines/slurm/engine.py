"""An engine that runs attempts as elements of Slurm's job arrays, each of which is a runner."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from batchcompute.errors import ConfigError, ValidationError
from batchcompute.runner.attempt_spec import AttemptSpec, Token
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.engines.base import (
    Attachment,
    AttemptStatus,
    Capabilities,
    Handle,
    Lost,
    Pending,
    Rejected,
    Submission,
    Submitted,
    Unknown,
)
from batchcompute.service.engines.slurm.attaching import attach
from batchcompute.service.engines.slurm.commands import Commands, CommandsError
from batchcompute.service.engines.slurm.ending import Ender
from batchcompute.service.engines.slurm.files import SharedFiles
from batchcompute.service.engines.slurm.journal import Journal
from batchcompute.service.engines.slurm.nodes import NodeWatch
from batchcompute.service.engines.slurm.polling import Poller
from batchcompute.service.engines.slurm.script import demand_of
from batchcompute.service.engines.slurm.settings import SlurmSettings
from batchcompute.service.engines.slurm.site import Site, read_site
from batchcompute.service.engines.slurm.starting import check_at_start
from batchcompute.service.engines.slurm.state import State
from batchcompute.service.engines.slurm.submitting import Submitter
from batchcompute.service.engines.slurm.tracking import Element, JobArray, Tracked

if TYPE_CHECKING:
    from batchcompute.service.engines.context import EngineContext

__all__ = ["SlurmEngine", "create"]

_log = logging.getLogger("batchcompute.service.engine")

_SITE_SECONDS: Final = 600.0
"""Seconds after which the limits of the site are read again."""

_VOID_SECONDS: Final = 600.0
"""Seconds for which the files of a vanished job stay, so that its runner learns that its attempts were given up."""

_CLOSE_SECONDS: Final = 60.0
"""Seconds in which all attempts end when the engine is closed."""


class SlurmEngine:
    """Runs attempts on a Slurm cluster.

    One thread of the engine runs the commands of Slurm and uses the shared directory, so that no caller waits for them.

    Args:
        settings: The options of the engine.
        data_dir: Directory of the service, for the journal.
        token_prefix: Prefix of the tokens of all attempts of this service.
        grant: Returns the grant with which a runner reaches the objects of an attempt; empty if it needs none.
        endpoint: Returns the URL at which nodes reach the service; empty while it does not listen.
        clock: The source of time.
        commands: The commands of Slurm; None for those of this machine.

    Raises:
        ConfigError: A directory cannot be used.
    """

    name = "slurm"

    def __init__(
        self,
        settings: SlurmSettings,
        data_dir: Path,
        token_prefix: str,
        grant: Callable[[AttemptSpec], str] = lambda _: "",
        endpoint: Callable[[], str] = lambda: "",
        clock: Clock = SYSTEM_CLOCK,
        commands: Commands | None = None,
    ) -> None:
        self.capabilities: Capabilities = Capabilities(
            slots=settings.slots,
            workspace="staged",
            survives=True,
            live_logs=False,
            types=frozenset(settings.types),
        )
        prefix = "bc-" + (re.sub(r"[^A-Za-z0-9]", "", token_prefix)[:40] or "0")
        folder = Path(settings.directory) / prefix
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            journal = Journal(data_dir / "slurm" / "journal.jsonl")
        except OSError as error:
            raise ConfigError(
                f"the option 'directory' of the Slurm engine: {folder} cannot be used: {error}"
            ) from error
        files = SharedFiles(folder, endpoint, settings.certificates, grant)
        commands = commands or Commands(settings.command_timeout)
        nodes = NodeWatch(clock, settings.exclude_after, settings.exclude_seconds)
        self._grant = grant
        self._state = State(settings, f"{prefix}-", commands, files, clock, nodes, journal)
        self._ender = Ender(self._state)
        self._poller = Poller(self._state, self._ender)
        self._submitter = Submitter(self._state)
        self._site_until = 0.0
        self._is_closing = False
        self._is_woken = False
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def bind(self, changed: Callable[[], None]) -> None:
        """Set a function that is called when the status of an attempt has changed."""
        self._state.changed = changed

    def starts_at_once(self, spec: AttemptSpec) -> bool:  # noqa: ARG002 - the contract
        """Return False: each attempt waits in Slurm first."""
        return False

    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        """Find the attempts of an earlier service again, and end all others of that service.

        Raises:
            OSError: Slurm does not answer.
            ConfigError: This machine, the site or a node lacks what the engine needs.
        """
        self._take_site(check_at_start(self._state))
        answer = attach(self._state, self._poller, attempts)
        self._start()
        return answer

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        """Accept attempts of one task. They are submitted to Slurm within a second."""
        state = self._state
        answers: list[Submission] = []
        fresh: dict[Token, Tracked] = {}
        for spec in batch:
            reason = "" if spec.token in state.attempts else self._refusal(spec)
            if reason:
                answers.append(Rejected(reason))
                continue
            if spec.token not in state.attempts:
                fresh[spec.token] = Tracked(spec.token, spec, Pending("it waits to be submitted to Slurm"))
            answers.append(Submitted(spec.token))
        if fresh:
            with state.lock:
                state.journal.note_queued(list(fresh))
                state.attempts.update(fresh)
                state.waiting.update(fresh)
            self._start()
            self._wake()
        return answers

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        """Return the statuses of attempts."""
        state = self._state
        statuses: dict[Handle, AttemptStatus] = {}
        with state.lock:
            unknown = Unknown(state.outage) if state.outage else None
            for handle in handles:
                attempt = state.attempts.get(handle)
                if attempt is None:
                    continue
                is_asked_of_slurm = attempt.element is not None and not attempt.has_ended
                statuses[handle] = unknown if unknown and is_asked_of_slurm else attempt.status
        return statuses

    def cancel(self, handles: Collection[Handle]) -> None:
        """End attempts, with all processes that they have started."""
        state = self._state
        with state.lock:
            for handle in handles:
                attempt = state.attempts.get(handle)
                if attempt is not None:
                    attempt.is_cancelled = True
        self._wake()

    def forget(self, handles: Collection[Handle]) -> None:
        """Release everything that belongs to attempts whose ends are recorded."""
        state = self._state
        with state.lock:
            for handle in handles:
                attempt = state.attempts.pop(handle, None)
                if attempt is not None:
                    attempt.is_forgotten = True
                    if not attempt.has_ended:
                        attempt.is_cancelled = True
        self._wake()

    def next_poll(self) -> float | None:
        """Return None: the engine calls the function of `bind` when a status has changed."""
        return None

    def close(self, leave_running: bool = False) -> None:
        """End all attempts and the thread; statuses can still be read.

        Args:
            leave_running: Whether attempts run on, so that a later service finds them.
        """
        state = self._state
        if self._is_closed:
            return
        self._is_closed = True
        if not leave_running:
            self._end_all()
        self.stop_thread()
        state.journal.close()

    def stop_thread(self) -> None:
        """End the thread of the engine, which then changes nothing any more. Attempts run on."""
        with self._state.lock:
            self._is_closing = True
        self._wake()
        if self._thread is not None:
            self._thread.join()

    def _end_all(self) -> None:
        state = self._state
        self.cancel(list(state.attempts))
        end = state.clock.monotonic() + _CLOSE_SECONDS
        with state.lock:
            while self._thread is not None and (rest := end - state.clock.monotonic()) > 0:
                if all(attempt.has_ended for attempt in state.attempts.values()):
                    break
                state.clock.wait(state.lock, min(rest, 0.1))
            for attempt in state.attempts.values():
                if state.set_status(
                    attempt, Lost("the engine was closed, and Slurm did not end the job in time")
                ):
                    _log.warning("Slurm: attempt %s may run on: Slurm did not end it in time", attempt.token)

    def _refusal(self, spec: AttemptSpec) -> str:
        settings, site = self._state.settings, self._state.site
        options = settings.site_of(spec.instance_type)
        if site is not None:
            reason = site.refusal(options.partition, demand_of(spec, options, settings.parallel))
            if reason:
                return reason
        try:
            self._grant(spec)
        except ValidationError as error:
            return str(error).rstrip(".")
        return ""

    def _take_site(self, site: Site) -> None:
        self._state.site = site
        self._site_until = self._state.clock.monotonic() + _SITE_SECONDS

    # -- the thread --------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(target=self._run, name="slurm", daemon=True)
            self._thread.start()

    def _wake(self) -> None:
        with self._state.lock:
            self._is_woken = True
            self._state.lock.notify_all()

    def _run(self) -> None:
        state = self._state
        while True:
            is_changed = False
            try:
                is_changed = self._work()
            except Exception:  # noqa: BLE001 - the thread must go on: jobs run
                _log.exception("Slurm: the thread of the engine failed, and goes on")
                state.clock.sleep(1.0)
            if is_changed:
                state.changed()
            with state.lock:
                if self._is_closing:
                    return
                if not self._is_woken:
                    state.clock.wait(state.lock, self._rest())
                self._is_woken = False

    def _work(self) -> bool:
        state = self._state
        if state.clock.monotonic() >= self._site_until:
            try:
                self._take_site(read_site(state.commands))
            except CommandsError as error:
                _log.warning("Slurm: the limits of the site cannot be read: %s", error)
                self._site_until = state.clock.monotonic() + _SITE_SECONDS / 10
        is_changed = self._ender.end_cancelled()
        is_changed |= self._submitter.submit_waiting()
        is_changed |= self._poller.poll()
        self._remove_done()
        return is_changed

    def _rest(self) -> float | None:
        times = [self._ender.next_time(), self._submitter.next_time(), self._poller.next_time()]
        known = [time for time in times if time is not None]
        return min(known) if known else None

    def _remove_done(self) -> None:
        """Remove job arrays that nobody asks for any more, and whose runners have ended."""
        state = self._state
        with state.lock:
            now = state.clock.monotonic()
            done = [array for array in state.arrays.values() if _is_over(array, now)]
            for array in done:
                del state.arrays[array.name]
                state.journal.note_removed(array.name)
        for array in done:
            self._ender.forget(array)
            state.files.remove(array.name)


def _is_over(array: JobArray, now: float) -> bool:
    return all(attempt.is_forgotten and attempt.has_ended for attempt in array.attempts) and all(
        _has_ended(element, now) for element in array.elements
    )


def _has_ended(element: Element, now: float) -> bool:
    """Return whether the runner of an element has certainly ended, and needs no files any more."""
    if element.gone_since is None:
        return False
    if element.row is not None or not any(
        attempt.token in element.array.voided for attempt in element.attempts
    ):
        return True
    # Slurm may have forgotten the job. The runner must learn that its attempts were given up.
    return now - element.gone_since >= _VOID_SECONDS


def create(context: EngineContext) -> SlurmEngine:
    """Make the engine of a service.

    Args:
        context: The parts of the service, with the options of the engine.

    Raises:
        ConfigError: An option is wrong, or a directory cannot be used.
    """
    return SlurmEngine(
        SlurmSettings.read(context.options),
        context.data_dir,
        context.token_prefix,
        context.issue_grant,
        context.endpoint,
        context.clock,
    )

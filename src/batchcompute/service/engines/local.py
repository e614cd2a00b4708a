"""The built-in engine: attempts are processes of this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, Self

from batchcompute.runner.attempt import Attempt
from batchcompute.runner.attempt_files import NotStarted, end_container
from batchcompute.runner.attempt_spec import AttemptSpec, Token
from batchcompute.runner.os_errors import has_no_room
from batchcompute.runner.outcome import STOPPED, TIMEOUT, Exited, Outcome
from batchcompute.runner.processes import HAS_PROC
from batchcompute.runner.records import Started
from batchcompute.runner.spawning import HAS_PIDFD, OutputBlocked
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.engines.base import (
    Attachment,
    AttemptStatus,
    Capabilities,
    Handle,
    Lost,
    Pending,
    Rejected,
    Running,
    Submission,
    Submitted,
    Unknown,
)
from batchcompute.service.engines.context import EngineContext
from batchcompute.service.engines.local_records import LocalRecords
from batchcompute.service.engines.local_staging import NEVER, Entry, LocalStaging, exited
from batchcompute.service.engines.process_table import ProcessState, ProcessTable
from batchcompute.service.workers import WorkerPool
from batchcompute.service.workspaces.local import LocalWorkspace

__all__ = ["LocalEngine"]

_log = logging.getLogger("batchcompute.service.engine")

_NODE: Final = "127.0.0.1"
_STAGING: Final = Pending("inputs are staged in")

_MAX_THREADS = 32
"""The largest number of threads that stage files."""

_JOIN_TIMEOUT = 10.0
"""Seconds for which `LocalEngine.close` waits for staging."""

_KILL_INTERVAL = 1.0
"""Seconds after which an attempt that has exceeded its time limit is killed again."""

_ENDING_INTERVAL = 0.2
"""Seconds between two looks at attempts that are ending."""


class LocalEngine:
    """Runs attempts as processes of this machine.

    The methods of the contract are called by one thread. A bounded pool of threads stages files, and opens files that a
    program could have replaced; the results are taken over when `status` is called.

    Args:
        slots: How many attempts run at once.
        workspace: The files of attempts.
        records: The records of attempts.
        token_prefix: Prefix of the tokens of all attempts of this service.
        clock: The source of time.
    """

    name: str = "local"

    def __init__(
        self,
        slots: int,
        workspace: LocalWorkspace,
        records: LocalRecords,
        token_prefix: str,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.capabilities: Capabilities = Capabilities(slots, survives=HAS_PROC and HAS_PIDFD, node=_NODE)
        self._workspace = workspace
        self._records = records
        self._token_prefix = token_prefix
        self._clock = clock
        self._changed: Callable[[], None] = lambda: None
        self._entries: dict[Handle, Entry] = {}
        self._ending = False
        """Whether the last look found attempts whose processes are being killed."""
        self._closing = False
        self._staging = LocalStaging(workspace, records, lambda: self._closing, clock)
        self._processes = ProcessTable(clock)
        try:
            self._pool = WorkerPool(
                lambda: self._changed(), self._fail_staging, min(_MAX_THREADS, slots + 4), clock
            )
        except BaseException:
            self._processes.close()
            raise

    @classmethod
    def create(cls, context: EngineContext) -> Self:
        """Return the engine of a service.

        Raises:
            OSError: The data directory cannot be used.
            RuntimeError: A thread cannot be started.
        """
        workspace = LocalWorkspace(
            context.storage,
            context.work,
            context.kept,
            context.cleaner,
            context.machine,
            context.permission,
        )
        records = LocalRecords(context.data_dir / "records")
        return cls(context.slots, workspace, records, context.token_prefix, context.clock)

    def bind(self, changed: Callable[[], None]) -> None:
        """Set the function that is called when the status of an attempt has changed."""
        self._changed = changed
        self._processes.bind(changed)

    def starts_at_once(self, spec: AttemptSpec) -> bool:
        """Return whether an attempt needs no staging."""
        return not (spec.package or spec.image or spec.mappings or spec.separate)

    # -- starts -------------------------------------------------------------------------------

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        """Start attempts. A token that was submitted before is not started again."""
        return [
            Submitted(spec.token) if spec.token in self._entries else self._submit(spec) for spec in batch
        ]

    def _submit(self, spec: AttemptSpec) -> Submission:
        try:
            attempt = self._workspace.attempt(spec)
        except OSError as error:
            return Rejected(f"the files of the attempt cannot be made: {error}", retryable=has_no_room(error))
        entry = Entry(attempt)
        if not attempt.needs_no_staging:
            self._entries[spec.token] = entry
            self._pool.submit(spec.token, partial(self._stage_in, entry))
            return Submitted(spec.token)
        self._entries[spec.token] = entry
        self._launch(entry, self._staging.stage_in(attempt))
        if isinstance(entry.status, Rejected):
            self.forget([spec.token])
            return entry.status
        return Submitted(spec.token)

    def _stage_in(self, entry: Entry) -> Callable[[], None]:
        """Stage in an attempt; a thread of the pool calls it."""
        return partial(self._launch, entry, self._staging.stage_in(entry.attempt))

    def _launch(self, entry: Entry, failure: Outcome | Rejected | None) -> None:
        """Start the program of a staged attempt, unless it cannot start."""
        if self._closing:
            failure = Rejected("the service is closing", retryable=True)
        elif failure is None and entry.attempt.abort.is_set():
            failure = STOPPED
        problem = exited(failure) if isinstance(failure, Outcome) else failure or self._start(entry)
        if problem is not None:
            self._finish(entry, problem)
            return
        entry.phase = "running"
        entry.deadline = self._clock.monotonic() + entry.attempt.spec.time_limit
        if entry.attempt.abort.is_set():
            # It was cancelled while it started.
            self._processes.kill([entry.attempt.token])

    def _start(self, entry: Entry) -> AttemptStatus | None:
        """Start the process of an attempt; return its status if that is not possible."""
        attempt = entry.attempt
        entry.since = self._clock.time()
        record = Started(attempt.token, _NODE, 0, entry.since, self._workspace.notes(attempt))
        try:
            descriptor = self._records.start(record, attempt.process.user)
            self._processes.start(attempt.process, descriptor)
        except Exception as error:  # noqa: BLE001 - whatever the error is, this attempt does not run
            if has_no_room(error):
                # A shortage of processes, memory or descriptors is temporary.
                return Rejected(f"cannot start: {error}", retryable=True)
            if isinstance(error, OutputBlocked):
                text = f"The output cannot be written: cannot start: {error}."
                return exited(Outcome(1, "OutputError", text))
            return exited(Outcome(126, "StartFailed", f"The program did not run: cannot start: {error}."))
        return None

    def _finish(self, entry: Entry, status: AttemptStatus) -> None:
        entry.phase = "ended"
        entry.status = status
        self._changed()

    # -- ends ---------------------------------------------------------------------------------

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        """Return the statuses of attempts."""
        self._pool.drain()
        running = [token for token, entry in self._entries.items() if entry.phase == "running"]
        self._ending = False
        for token, state in self._processes.poll(running).items():
            if state.phase == "exited":
                self._ended(self._entries[token], state)
            elif state.phase == "ending":
                self._ending = True
        self._kill_overdue()
        return {handle: self._status(self._entries[handle]) for handle in handles if handle in self._entries}

    @staticmethod
    def _status(entry: Entry) -> AttemptStatus:
        if entry.status is not None:
            return entry.status
        return _STAGING if entry.since is None else Running(_NODE, entry.since)

    def _ended(self, entry: Entry, state: ProcessState) -> None:
        """Take over the end of the processes of an attempt."""
        attempt = entry.attempt
        entry.phase = "ended"
        if not entry.needs_pool and entry.timed_out:
            entry.status = exited(TIMEOUT, entry.since)
        elif not entry.needs_pool and state.exit_code == 0:
            entry.status = Exited(0, started=entry.since)
        else:
            self._pool.submit(attempt.token, partial(self._stage_out, entry, state))

    def _stage_out(self, entry: Entry, state: ProcessState) -> Callable[[], None]:
        """Upload the outputs of an attempt whose program has ended; a thread of the pool calls it."""
        status = self._staging.stage_out(entry, state)
        # Without a status, the next start of the service uploads the outputs.
        return (lambda: None) if status is None else partial(self._finish, entry, status)

    def _fail_staging(self, token: str, error: Exception) -> None:
        entry = self._entries.get(token)
        if entry is not None:
            self._finish(entry, exited(Outcome(1, "StartFailed", f"The service failed: {error}")))

    # -- time limits and cancellation ---------------------------------------------------------

    def _kill_overdue(self) -> None:
        now = self._clock.monotonic()
        overdue: list[Token] = []
        for token, entry in self._entries.items():
            if entry.phase == "running" and entry.deadline <= now:
                if not entry.timed_out:
                    entry.timed_out = True
                    self._note_time_out(entry)
                entry.deadline = now + _KILL_INTERVAL
                overdue.append(token)
        if overdue:
            self._processes.kill(overdue)

    def _note_time_out(self, entry: Entry) -> None:
        """Record for the next start of the service that the time limit has passed."""
        record = Started(entry.attempt.token, _NODE, 0, entry.since or 0.0, {"timed_out": "1"})
        try:
            self._records.note(record, entry.attempt.process.user)
        except OSError as error:
            # The next start compares the time of the start with the limit once more.
            _log.warning("the time-out of instance %s cannot be recorded: %s", entry.attempt.token, error)

    def next_poll(self) -> float | None:
        """Return the seconds until a time limit is reached, or until ending attempts are looked at again."""
        self._processes.watch()
        nearest = min(
            (entry.deadline for entry in self._entries.values() if entry.phase == "running"), default=NEVER
        )
        seconds = max(0.0, nearest - self._clock.monotonic())
        if self._ending:
            seconds = min(seconds, _ENDING_INTERVAL)
        return None if seconds == NEVER else seconds

    def cancel(self, handles: Collection[Handle]) -> None:
        """End attempts, with all processes that they have started. Staging is aborted."""
        entries = [entry for handle in handles if (entry := self._entries.get(handle)) is not None]
        for entry in entries:
            entry.attempt.abort.set()
        self._processes.kill([entry.attempt.token for entry in entries if entry.phase == "running"])

    def forget(self, handles: Collection[Handle]) -> None:
        """Remove the files of attempts whose ends are recorded."""
        for handle in handles:
            entry = self._entries.pop(handle, None)
            if entry is not None:
                self._workspace.clean(entry.attempt)
                self._records.forget(handle)
        self._processes.forget(handles)

    # -- the start and the end of the service -------------------------------------------------

    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        """Find the attempts of an earlier service that run, or whose outputs have to be uploaded; end all others.

        Raises:
            OSError: The machine cannot report the state of an attempt at this moment.
        """
        starts = self._records.load({attachment.spec.token for attachment in attempts})
        entries: dict[Token, Entry] = {}
        for attachment in attempts:
            token = attachment.spec.token
            start = starts.get(token)
            notes = start.notes if start else self._workspace.notes_of_handle(attachment.handle)
            if start is None and not notes:
                # The service ended before it started the attempt.
                continue
            try:
                attempt = self._workspace.restored(attachment.spec, notes)
            except (FileNotFoundError, NotADirectoryError):
                # The directory of the attempt is gone, for example because it was in memory. Its results are lost.
                continue
            since = start.time if start else attachment.started
            entries[token] = Entry(attempt, "running", since, timed_out=bool(notes.get("timed_out")))
        ended = {
            token for token, entry in entries.items() if self._staging.recorded_end(entry.attempt) is not None
        }
        # A recorded end is conclusive, even if the program has left other processes running.
        running = self._processes.adopt(entries.keys() - ended, self._token_prefix)
        result: dict[Token, Handle | None] = {attachment.spec.token: None for attachment in attempts}
        for token, entry in entries.items():
            if token in running:
                entry.deadline = self._clock.monotonic() + self._time_left(entry)
            elif token in ended or entry.timed_out or self._staging.recorded_end(entry.attempt) is not None:
                entry.phase = "ended"
            else:
                if entry.attempt.isolation == "container":
                    # A container keeps running after the command that started it has ended.
                    end_container(token)
                self._workspace.clean(entry.attempt)
                self._records.forget(token)
                continue
            self._entries[token] = entry
            result[token] = token
            if entry.phase == "ended":
                self._pool.submit(token, partial(self._stage_out, entry, ProcessState("exited")))
        self._workspace.clean_all_but([entry.attempt for entry in self._entries.values()])
        self._records.drop_unused()
        return result

    def _time_left(self, entry: Entry) -> float:
        limit = entry.attempt.spec.time_limit
        if entry.timed_out or entry.since is None:
            return 0.0 if entry.timed_out else limit
        # If the clock was set back, the attempt must not get more time than its limit.
        return min(limit, max(0.0, limit - (self._clock.time() - entry.since)))

    def close(self, leave_running: bool = False) -> None:
        """End all attempts and threads.

        Args:
            leave_running: Whether programs run on; the next start of the service finds them.
        """
        if self._closing:
            return
        self._closing = True
        for entry in list(self._entries.values()):
            if entry.phase != "running":
                # The next start uploads the missing outputs, as after a kill.
                entry.attempt.abort.set()
        self._pool.join(_JOIN_TIMEOUT)
        self._pool.drain()
        running = [token for token, entry in self._entries.items() if entry.phase == "running"]
        self._processes.close(leave_running)
        if not leave_running:
            for token, state in self._processes.poll(running).items():
                self._close_entry(self._entries[token], state)
        self._records.close()
        self._workspace.close()

    def _close_entry(self, entry: Entry, state: ProcessState) -> None:
        """Determine the status of an attempt that ran when the engine was closed, without staging."""
        attempt = entry.attempt
        if state.phase != "exited":
            return
        by_itself = state.exit_code is not None or self._has_record(attempt)
        if not by_itself and not entry.timed_out:
            entry.status = Lost("the service was closed")
            if attempt.isolation == "container":
                end_container(attempt.token)
        elif not entry.needs_pool:
            try:
                outcome = TIMEOUT if entry.timed_out else self._staging.outcome(attempt, state)
                entry.status = exited(outcome, entry.since)
            except (NotStarted, OSError):
                entry.status = Unknown("the next start of the service determines the outcome")

    def _has_record(self, attempt: Attempt) -> bool:
        try:
            return self._staging.recorded_end(attempt) is not None
        except OSError:
            # The record cannot be read now; the next start of the service reads it.
            return True

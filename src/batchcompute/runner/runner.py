"""Runs the attempts of a file of specifications, several at a time, until each has a record of its end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from batchcompute.runner.attempt_run import AttemptRunner, Machine, Unrecorded, failed
from batchcompute.runner.environment import inherited_environment
from batchcompute.runner.layout import MachineOptions
from batchcompute.runner.lazy_log import LazyLogger
from batchcompute.runner.options import RunnerOptions
from batchcompute.runner.program import Programs
from batchcompute.runner.record_file import RecordFile, RecordsUnwritable
from batchcompute.runner.records import Ended, RecordReader
from batchcompute.runner.rooted import Root
from batchcompute.runner.scratch import ScratchPool
from batchcompute.runner.spec_json import Assignment, DamagedSpec, SpecFile
from batchcompute.runner.spec_source import UnusableFile, read_specs
from batchcompute.runner.stopping import Stop

if TYPE_CHECKING:
    from batchcompute.runner.http_session import Endpoint

__all__ = ["DAMAGED", "UNRECORDED", "UNWRITABLE", "run"]

UNRECORDED: Final = 1
"""Exit status of a runner some of whose attempts have no record of their end, without a signal."""

DAMAGED: Final = 2
"""Exit status for a file of specifications that is damaged, or an option that is wrong."""

UNWRITABLE: Final = 3
"""Exit status for records that cannot be written."""

_log = LazyLogger("batchcompute.runner")

_FLUSH = 0.25
"""Seconds between two flushes of the records."""

_LOOK = 1.0
"""Seconds between two looks for attempts that were given up."""


def run(options: RunnerOptions) -> int:
    """Run all attempts of a file of specifications, and return the exit status.

    Args:
        options: The options of the command line.
    """
    stop = Stop(options.grace)
    with stop.on_signals():
        try:
            file = read_specs(options.specs, options.wait, stop.requested)
        except UnusableFile as error:
            say(str(error))
            return stop.status or DAMAGED
        try:
            records = RecordFile(file.records, options.patience, stop.aborted.is_set)
        except OSError as error:
            say(
                f"records: {file.records!r} cannot be opened for writing: {error.strerror}; nothing was started"
            )
            return UNWRITABLE
        try:
            return _run(file, options, records, stop)
        except RecordsUnwritable as error:
            say(str(error))
            return UNWRITABLE
        finally:
            records.close()


def _run(file: SpecFile, options: RunnerOptions, records: RecordFile, stop: Stop) -> int:
    with ExitStack() as stack:
        try:
            work = stack.enter_context(work_directory(options.work))
        except OSError as error:
            problem = f"the work directory {options.work or '(--work)'!r} cannot be used: {error}"
            say(problem)
            for assignment in file.attempts:
                records.append(Ended(assignment.spec.token, failed("StartFailed", problem, options.node)))
            records.flush()
            return DAMAGED
        return stack.enter_context(closing(_Slots(file, options, records, work, stop))).run()


def say(text: str) -> None:
    """Write a message for people to the standard error. Each of its lines begins with the name of the runner.

    So several problems stay readable, and no text of somebody else looks like a line of another program.
    """
    lines = [
        "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)
        for line in text.split("\n")
    ]
    with suppress(OSError):
        sys.stderr.write("".join(f"batchcompute runner: {line}\n" for line in lines))


@contextmanager
def work_directory(base: str) -> Generator[Root]:
    """Make a private directory for the files of attempts, which is removed in the end.

    Args:
        base: The directory in which it is made; empty for that of temporary files.

    Raises:
        OSError: It cannot be made.
    """
    parent = Path(base or os.environ.get("TMPDIR") or "/tmp").absolute()  # noqa: S108 - the new directory is private
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"batchcompute-runner-{os.urandom(8).hex()}"
    outer = Root(parent)
    try:
        outer.new_folder((name,))
        root = Root(outer.where((name,)))
        try:
            yield root
        finally:
            root.close()
            with suppress(OSError):
                outer.remove((name,))
    finally:
        outer.close()


class _Slots:
    """Runs attempts, several at a time.

    Args:
        file: The specifications.
        options: The options of the command line.
        records: The record file.
        work: Directory for the files of attempts.
        stop: The end of the runner by a signal.
    """

    def __init__(
        self, file: SpecFile, options: RunnerOptions, records: RecordFile, work: Root, stop: Stop
    ) -> None:
        self._options = options
        self._records = records
        self._stop = stop
        self._damaged = list(file.damaged)
        self._problem = file.problem
        self._waiting = deque(file.attempts)
        self._programs = Programs(stop.fd)
        self._own = RecordReader(file.records)
        self._earlier = [RecordReader(path) for path in file.earlier_records]
        self._recorded: set[str] = set()
        self._given_up: set[str] = set()
        """Tokens of attempts that have ended elsewhere."""
        self._next_look = 0.0
        self._lock = threading.Lock()
        self._status = 0
        self._error: RecordsUnwritable | None = None
        self._endpoint = self._connect(file)
        hidden = (work.path, *(Path(path) for path in (options.specs, file.records, *options.hide)))
        machine = Machine(
            work=work,
            options=MachineOptions(
                sandbox=options.sandbox, max_file_size=options.max_file_size, hidden=hidden
            ),
            node=options.node,
            patience=options.patience,
            variables={name: os.environ[name] for name in options.passed if name in os.environ},
            only_failures=options.deliver_logs == "failures",
            scratches=ScratchPool(work),
            inherited=inherited_environment(),
            endpoint=self._endpoint,
        )
        self._attempts = AttemptRunner(
            machine, records, self._programs, self._is_new, stop.aborted, stop.requested.is_set
        )

    def _connect(self, file: SpecFile) -> Endpoint | None:
        if not file.endpoint:
            return None
        # Loaded here, because attempts without objects do not need it.
        from batchcompute.runner.http_session import Endpoint

        try:
            return Endpoint(file.endpoint, file.certificates)
        except (OSError, ValueError) as error:
            subject = (
                f"certificates: {file.certificates!r}"
                if file.certificates
                else f"endpoint: {file.endpoint!r}"
            )
            self._problem = f"{subject} cannot be used: {error}"
            self._damaged += [DamagedSpec(entry.spec.token, self._problem) for entry in file.attempts]
            self._waiting.clear()
            return None

    def close(self) -> None:
        """Close the connections to object storage."""
        if self._endpoint is not None:
            self._endpoint.close()

    def run(self) -> int:
        """Run all attempts, and return the exit status.

        Raises:
            RecordsUnwritable: A record cannot be written.
        """
        self._record_damaged()
        with suppress(OSError):
            # Each attempt looks into the files again, right before its start.
            self._has_record("")
        count = min(self._options.slots, len(self._waiting))
        threads = [threading.Thread(target=self._work, name=f"slot-{number}") for number in range(count)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(_FLUSH)
                    self._flush()
                    self._end_given_up()
        except BaseException:
            # For example no thread can be started. The others need the records and the work directory until they end.
            self._stop.end()
            self._stop.aborted.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            raise
        self._flush()
        if self._error is not None:
            raise self._error
        return self._stop.status or self._status

    def _record_damaged(self) -> None:
        if self._problem:
            say(self._problem)
        for spec in self._damaged:
            say(f"attempt {spec.token} cannot run: {spec.message}")
            self._records.append(
                Ended(
                    spec.token,
                    failed(
                        "StartFailed", f"Its specification is damaged: {spec.message}", self._options.node
                    ),
                )
            )
        if self._problem or self._damaged:
            self._status = DAMAGED

    def _flush(self) -> None:
        try:
            self._records.flush()
        except RecordsUnwritable as error:
            self._fail(error)

    def _fail(self, error: RecordsUnwritable) -> None:
        # Programs whose ends cannot be recorded would run again elsewhere.
        self._error = self._error or error
        self._stop.end()
        self._stop.aborted.set()

    def _work(self) -> None:
        while not self._stop.requested.is_set():
            try:
                assignment = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._run(assignment)
            except RecordsUnwritable as error:
                self._fail(error)

    def _run(self, assignment: Assignment) -> None:
        token = assignment.spec.token
        try:
            if token in self._recorded:
                raise Unrecorded("it has a record already")
            self._attempts.run(assignment)
        except Unrecorded as error:
            say(f"attempt {token} has no result: {error}")
            self._status = self._status or UNRECORDED
        except RecordsUnwritable:
            raise
        except Exception as error:  # noqa: BLE001
            # An error of one attempt does not stop the others.
            _log.exception("attempt %s failed unexpectedly", token)
            text = f"The runner failed: {type(error).__name__}: {error}"
            self._records.append(Ended(token, failed("StartFailed", text, self._options.node)))

    def _is_new(self, token: str) -> bool:
        """Return whether an attempt has no record in any file, and no process on this machine."""
        return not self._has_record(token) and not self._programs.is_alive(token)

    def _has_record(self, token: str) -> bool:
        with self._lock:
            self._recorded.update(record.token for record in self._own.new())
            for reader in self._earlier:
                for record in reader.new():
                    self._recorded.add(record.token)
                    if isinstance(record, Ended):
                        self._given_up.add(record.token)
            return token in self._recorded

    def _end_given_up(self) -> None:
        """End the programs of attempts that have got the record of an end elsewhere: the service has given them up."""
        if not self._earlier or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK
        # A file that cannot be read at this moment is read at the next time.
        with suppress(OSError):
            self._has_record("")
        for token in self._given_up:
            self._programs.end(token)

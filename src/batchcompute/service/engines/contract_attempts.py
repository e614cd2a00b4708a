"""The part of the contract suite about attempts: submission, ends, cancellation."""

from __future__ import annotations

import threading
import uuid

from batchcompute.service.engines.base import (
    Exited,
    Handle,
    Pending,
    Rejected,
    Running,
    Unknown,
)
from batchcompute.service.engines.contract_harness import EngineHarness, check

__all__ = ["AttemptTests"]

_LONG = "sleep 300"
_STRANGE_HANDLES = ("", "unknown", "../../etc/passwd", "a\x00b", "-1", "0", "'; --", "ü\n", "x" * 10_000)
_ODD_TEXT = "'\"' \\\\ \t %s {} [a-z]* ~ !! # ü \u2028 \U0001f600 $(exit 9) `exit 9` ;&|<>"
_ODD_COMMAND = "true '" + _ODD_TEXT.replace("'", "'\\''") + "'\n\n\t" + "# " + "long " * 10_000 + "\nexit 7"


class AttemptTests(EngineHarness):
    """The tests of attempts."""

    def test_one_answer_for_each_attempt(self) -> None:
        """A batch has one answer for each attempt, in their order."""
        check(self.answers([]) == [], "submit([]): must answer with an empty list")
        handles = self.submit(*(self.spec(f"exit {code}") for code in range(5)))
        check(len(set(handles)) == 5, f"submit: several attempts have the same handle: {handles}")
        for code, handle in enumerate(handles):
            check(self.end_of(handle).code == code, f"submit: the answer {code} belongs to another attempt")

    def test_a_token_is_submitted_once(self) -> None:
        """A token that was submitted before is not submitted again: in one batch, while it runs, after its end."""
        spec = self.spec("exit 3")
        first, second = self.submit(spec, spec)
        other = self.spec("exit 4")
        third, fourth = self.submit(spec, other)
        check(first == second == third, f"submit: one token has the handles {first}, {second}, {third}")
        check(fourth != first, "submit: two tokens have one handle")
        check(self.end_of(first).code == 3, "submit: the attempt has another exit code")
        check(
            self.end_of(fourth).code == 4,
            "submit: the new attempt beside a known token has another exit code",
        )
        check(self.submit(spec) == [first], "submit: a token has another handle after its end")
        check(self.end_of(first).code == 3, "submit: the attempt has another exit code after its end")
        for asked in (spec, other):
            times = self.times_run(asked)
            check(
                times in (None, 1), f"submit: a token was submitted again, and its program ran {times} times"
            )

    def test_exit_codes(self) -> None:
        """The exit code of a program is that of its attempt."""
        codes = (0, 1, 2, 126, 127, 128, 255)
        handles = self.submit(*(self.spec(f"exit {code}") for code in codes))
        for code, handle in zip(codes, handles, strict=True):
            end = self.end_of(handle)
            check(end.code == code and not end.timed_out, f"exit {code}: the end is {end!r}")
            check(end.outcome.failed == (code != 0), f"exit {code}: the outcome is {end.outcome!r}")

    def test_signals(self) -> None:
        """A program that a signal ended has failed, and says so."""
        signals = (9, 15)
        handles = self.submit(*(self.spec(f"kill -{signal} $$") for signal in signals))
        for signal, handle in zip(signals, handles, strict=True):
            end = self.end_of(handle)
            check(
                end.outcome.exit_code == 128 + signal and not end.timed_out,
                f"signal {signal}: the end is {end!r}",
            )
            check(end.outcome.failed, f"signal {signal}: the outcome is {end.outcome!r}")

    def test_time_limit(self) -> None:
        """The engine ends a program at its time limit, and only then."""
        late, early = self.submit(
            self.spec(_LONG, time_limit=1), self.spec("sleep 0.2; exit 5", time_limit=60)
        )
        end = self.end_of(late)
        check(end.timed_out and end.outcome.error_code == "Timeout", f"time limit: the end is {end!r}")
        if end.started is not None and end.ended is not None:
            check(end.ended - end.started >= 0.9, f"time limit: the program ended too early: {end!r}")
        end = self.end_of(early)
        check(end.code == 5 and not end.timed_out, f"time limit: the program in time ended as {end!r}")

    def test_times(self) -> None:
        """The times of an attempt are those of its program."""
        handle = self.submit(self.spec("sleep 1"))[0]
        running = self.runs(handle)
        end = self.end_of(handle)
        if end.started is not None and end.ended is not None:
            check(end.ended - end.started >= 0.9, f"times: a program of one second ended as {end!r}")
            if running.since is not None:
                check(abs(end.started - running.since) < 0.5, f"times: {running!r} became {end!r}")
        self.clock.sleep(self.pause)
        check(self.end_of(handle) == end, "times: the end of an attempt changes with the time")

    def test_cancel_ends_an_attempt(self) -> None:
        """A cancelled attempt ends, and the others go on. It can be cancelled again, from any thread."""
        cancelled, other, both = self.submit(
            self.spec(_LONG), self.spec("sleep 0.5; exit 6"), self.spec(_LONG)
        )
        for handle in (cancelled, both):
            self.runs(handle)
        self.engine.cancel([cancelled, both])
        self._in_thread([cancelled, both])
        self.has_stopped(cancelled)
        self.has_stopped(both)
        # After the end, a cancellation changes nothing.
        self.engine.cancel([cancelled, both])
        self.has_stopped(cancelled)
        check(self.end_of(other).code == 6, "cancel: it has ended another attempt")
        self.engine.cancel([other])
        check(self.end_of(other).code == 6, "cancel: it has changed an attempt that had ended")

    def test_no_process_stays(self) -> None:
        """The end of an attempt is that of all processes that it has started, daemons included."""
        ends = {"exit": "exit 3", "time limit": _LONG, "cancel": _LONG}
        for end, command in ends.items():
            marker = f"contract-{uuid.uuid4().hex}"
            daemon = f"(setsid sh -c 'sleep 300; : {marker}' >/dev/null 2>&1 &)"
            spec = self.spec(f"{daemon}; {command}", time_limit=1 if end == "time limit" else 600)
            handle = self.submit(spec)[0]
            if self.count_processes(marker) is None:
                self.skip("the test cannot count processes")
            self.until([handle], lambda status: not isinstance(status, (Pending, Unknown)), "running")
            if end == "cancel":
                self.engine.cancel([handle])
            self.ends([handle])
            number = self.count_processes(marker)
            check(not number, f"{end}: {number} processes of the attempt run on after its end")

    def test_cancel_right_after_submit(self) -> None:
        """An attempt can be cancelled before its program runs."""
        handles = self.submit(*(self.spec(_LONG) for _ in range(3)))
        self.engine.cancel(handles)
        for handle in handles:
            self.has_stopped(handle)

    def test_cancel_a_pending_attempt(self) -> None:
        """A cancelled attempt that waits in the engine does not run."""
        handle = self._pending()
        self.engine.cancel([handle])
        self.has_stopped(handle)

    def test_cancel_unknown_handles(self) -> None:
        """A cancellation of an unknown handle does nothing."""
        handle = self.submit(self.spec(_LONG))[0]
        self.runs(handle)
        self.engine.cancel([])
        self.engine.cancel(_STRANGE_HANDLES)
        self.clock.sleep(self.pause)
        check(isinstance(self.status(handle), Running), "cancel: an unknown handle has ended another attempt")
        self.engine.cancel([*_STRANGE_HANDLES, handle])
        self.has_stopped(handle)

    def test_forget(self) -> None:
        """A forgotten attempt is unknown, can be forgotten again, and others are not affected."""
        first, second, running = self.submit(self.spec("exit 1"), self.spec("exit 2"), self.spec(_LONG))
        self.ends([first, second])
        self.runs(running)
        self.engine.forget([first])
        self.engine.forget([first, *_STRANGE_HANDLES])
        self.engine.forget([])
        check(isinstance(self.status(first), Unknown), "forget: the attempt still has a status")
        check(self.end_of(second).code == 2, "forget: another attempt that has ended has changed")
        check(isinstance(self.status(running), Running), "forget: another attempt that runs has changed")

    def test_status_of_unknown_handles(self) -> None:
        """The status of an unknown handle is `Unknown` or missing, and never an error."""
        handle = self.submit(self.spec("exit 0"))[0]
        statuses = self.statuses([*_STRANGE_HANDLES, handle])
        for strange in _STRANGE_HANDLES:
            status = statuses[strange]
            check(isinstance(status, Unknown), f"status: {status!r} of the unknown handle {strange[:20]!r}")
        check(self.statuses([]) == {}, "status([]): must answer with an empty mapping")
        check(self.end_of(handle).code == 0, "status: an unknown handle has changed another attempt")

    def test_pending_comes_before_running(self) -> None:
        """An attempt that waits in the engine is pending, with a reason in words, and does not run."""
        handle = self._pending()
        self.clock.sleep(self.pause)
        status = self.status(handle)
        check(
            isinstance(status, Pending) and isinstance(status.reason, str),
            f"status: {status!r} is not pending",
        )

    def test_rejected_attempts(self) -> None:
        """An attempt that the engine refuses does not affect the others of its batch."""
        spec = self.rejected_spec()
        if spec is None:
            self.skip("the test has no attempt that the engine refuses")
        answers = self.answers([self.spec("exit 2"), spec, self.spec("exit 3")])
        check(isinstance(answers[1], Rejected), f"submit: {answers[1]!r} instead of Rejected")
        handles = [answer.handle for answer in answers if not isinstance(answer, Rejected)]
        check(
            [self.end_of(handle).code for handle in handles] == [2, 3], "submit: a refusal spoils its batch"
        )

    def test_a_large_batch(self) -> None:
        """A large batch runs, and each attempt has its own end."""
        handles = self.submit(*(self.spec(f"exit {number % 5}") for number in range(self.large)))
        check(len(set(handles)) == self.large, "submit: several attempts have the same handle")
        ends = self.ends(handles)
        wrong = [
            (number, end)
            for number, end in enumerate(ends)
            if not isinstance(end, Exited) or end.code != number % 5
        ]
        check(
            not wrong,
            f"{len(wrong)} attempts of a large batch have a wrong end, the first of them: {wrong[:1]}",
        )
        self.engine.forget(handles)

    def test_hostile_specifications(self) -> None:
        """Odd characters, a long command and a long environment arrive; what is too long fails alone."""
        long = {"LONG": "x" * 100_000, "ODD": _ODD_TEXT}
        many = {f"VARIABLE_{number}": "value " * 10 for number in range(1000)}
        odd, environment, variables = self.submit(
            self.spec(_ODD_COMMAND),
            self.spec("test ${#LONG} = 100000 || exit 1; exit 7", environment=long),
            self.spec('test "$VARIABLE_999" || exit 1; exit 7', environment=many),
        )
        for handle in (odd, environment, variables):
            end = self.end_of(handle)
            check(end.code == 7, f"hostile specification: the end is {end!r}")
        # More than a process may have on most systems.
        answers = self.answers(
            [self.spec("exit 7", environment={"LONG": "x" * 4_000_000}), self.spec("exit 4")]
        )
        if not isinstance(answers[0], Rejected):
            self.ends([answers[0].handle])
        if isinstance(answers[1], Rejected):
            raise AssertionError(f"hostile specification: it spoils its batch: {answers[1]!r}")
        check(self.end_of(answers[1].handle).code == 4, "hostile specification: it spoils its batch")

    def _pending(self) -> Handle:
        spec = self.pending_spec()
        if spec is None:
            self.skip("the test has no attempt that stays pending")
        handle = self.submit(spec)[0]
        self.until([handle], lambda status: isinstance(status, Pending), "pending")
        return handle

    def _in_thread(self, handles: list[Handle]) -> None:
        """Cancel attempts from another thread."""
        errors: list[Exception] = []

        def cancel() -> None:
            try:
                self.engine.cancel(handles)
            except Exception as error:  # noqa: BLE001 - reported below
                errors.append(error)

        thread = threading.Thread(target=cancel)
        thread.start()
        thread.join()
        check(not errors, f"cancel: it raised {errors} in another thread")

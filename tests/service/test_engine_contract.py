"""The contract of engines: on the simulated engine, and on engines with one planted fault each."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from batchcompute.service.clock import Clock
from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Engine,
    Exited,
    Handle,
    Lost,
    Pending,
    Rejected,
    Running,
    Submission,
    Submitted,
    Token,
    Unknown,
)
from batchcompute.service.engines.contract_suite import EngineContract, failures_of
from batchcompute.service.engines.simulated import Course, Script, SimulatedEngine
from batchcompute.service.simulated_clock import SimulatedClock


def course_of_command(spec: AttemptSpec, attempt: int) -> Course:
    """Return the course that a shell would give the commands of the suite."""
    command = spec.command.rpartition("&); ")[2]
    seconds = sum(float(number) for number in re.findall(r"^sleep ([0-9.]+)", command))
    signal = re.search(r"^kill -(\d+) ", command)
    codes = re.findall(r"exit (\d+)$", command)
    return Course(seconds, Exited(None, int(signal[1])) if signal else Exited(int(codes[-1]) if codes else 0))


class SimulatedContract(EngineContract):
    engine_class: type[SimulatedEngine] = SimulatedEngine
    slots: int | None = None
    nodes: tuple[str, ...] = ("n1", "n2")
    starts_at_once = False
    cancel_seconds = 0.0

    def make_engine(self) -> Engine:
        self.clock = SimulatedClock()
        script = Script()
        for node in self.nodes:
            script.node(node, self.slots)
        script.task().decides(course_of_command)
        script.task("queued").pending(3600, "Resources").task("refused").rejected("no such partition")
        self.simulated = self.engine_class(
            self.clock, script, starts_at_once=self.starts_at_once, cancel_seconds=self.cancel_seconds
        )
        self._outage: AbstractContextManager[None] | None = None
        return self.simulated

    def restarted(self, engine: Engine) -> Engine:
        return engine

    def crashed(self, engine: Engine) -> Engine:
        return engine

    def pending_spec(self) -> AttemptSpec:
        return self.spec("exit 0")._replace(task="queued")

    def rejected_spec(self) -> AttemptSpec:
        return self.spec("exit 0")._replace(task="refused")

    def lose(self, handle: Handle) -> bool:
        status = self.status(handle)
        assert isinstance(status, Running)
        self.simulated.lose_node(status.node)
        return True

    def count_processes(self, marker: str) -> int:
        # Nothing runs, so the programs are the attempts on the nodes.
        return sum(self.simulated.running_on(node) for node in self.nodes)

    def begin_outage(self) -> bool:
        self._outage = self.simulated.outage()
        self._outage.__enter__()
        return True

    def end_outage(self) -> None:
        assert self._outage is not None
        self._outage.__exit__(None, None, None)


class TestSimulatedEngine(SimulatedContract):
    pass


class TestSimulatedEngineThatStartsAtOnce(SimulatedContract):
    starts_at_once = True
    nodes = ("n1",)


class TestSimulatedEngineWithFewSlotsAndSlowCancellation(SimulatedContract):
    slots = 2
    cancel_seconds = 3.0
    patience = 300.0


class TooFewAnswers(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        return super().submit(batch)[:-1]


class AnswersInAnotherOrder(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        return super().submit(batch)[::-1]


class NoAnswer(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        super().submit(batch)
        return [Submitted("")] * len(batch)


class SubmitsAgain(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        return super().submit([spec._replace(token=f"{spec.token}-{self.submitted}") for spec in batch])


class RejectsTheBatch(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        answers = super().submit(batch)
        refusals = [answer for answer in answers if isinstance(answer, Rejected)]
        return refusals[:1] * len(batch) if refusals else answers


class FearsLongEnvironments(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        if any(len(value) > 1_000_000 for spec in batch for value in spec.environment.values()):
            raise OSError("argument list too long")
        return super().submit(batch)


class WaitsForPrograms(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        answers = super().submit(batch)
        self._world._clock.sleep(300)
        return answers


class NoTimeLimit(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        return super().submit([spec._replace(time_limit=1e9) for spec in batch])


class ShortTimeLimit(SimulatedEngine):
    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        return super().submit([spec._replace(time_limit=min(0.1, spec.time_limit)) for spec in batch])


class Altered(SimulatedEngine):
    """Reports other statuses than the true ones."""

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        return {handle: self.altered(handle, status) for handle, status in super().status(handles).items()}

    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        raise NotImplementedError


class NoExitCodes(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return status._replace(code=min(1, status.code or 0)) if isinstance(status, Exited) else status


class SignalsAreSuccess(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        if isinstance(status, Exited) and status.signal:
            return status._replace(code=0, signal=0)
        return status


class TimeLimitIsAnySignal(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return status._replace(timed_out=False) if isinstance(status, Exited) else status


class StartTimeIsThatOfTheSubmission(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        if isinstance(status, Exited) and status.started:
            return status._replace(started=status.started - 3600)
        return status


class EndTimeIsThatOfTheQuestion(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return status._replace(ended=self._world._clock.time()) if isinstance(status, Exited) else status


class NoNode(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return Running("") if isinstance(status, Running) else status


class AnotherNodeEachTime(Altered):
    asked = 0

    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        self.asked += 1
        return Running(f"n{self.asked}") if isinstance(status, Running) else status


class PendingIsRunning(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return Running("n1") if isinstance(status, Pending) else status


class GoesBackToPending(Altered):
    asked = 0

    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        self.asked += isinstance(status, Running)
        return Pending() if isinstance(status, Running) and self.asked % 2 == 0 else status


class LossIsFailure(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return Exited(1) if isinstance(status, Lost) else status


class UnknownIsLost(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return Lost("it is gone") if isinstance(status, Unknown) else status


class UnknownIsLostInAnOutage(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return Lost("it is gone") if isinstance(status, Unknown) and self._outages else status


class RaisesForUnknownHandles(SimulatedEngine):
    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        statuses = super().status(handles)
        if any(isinstance(status, Unknown) for status in statuses.values()):
            raise KeyError("unknown")
        return statuses


class AnswersForAll(SimulatedEngine):
    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        return super().status([*handles, *self._by_handle])


class CancelDoesNothing(SimulatedEngine):
    def cancel(self, handles: Collection[Handle]) -> None:
        pass


class CancelEndsAll(SimulatedEngine):
    def cancel(self, handles: Collection[Handle]) -> None:
        super().cancel(list(self._by_handle))


class CancelEndsAllIfAHandleIsEmpty(SimulatedEngine):
    def cancel(self, handles: Collection[Handle]) -> None:
        super().cancel(list(self._by_handle) if "" in handles else handles)


class CancelSparesPendingAttempts(SimulatedEngine):
    def cancel(self, handles: Collection[Handle]) -> None:
        super().cancel(
            [handle for handle in handles if not isinstance(self.status([handle])[handle], Pending)]
        )


class CancelRaisesForUnknownHandles(SimulatedEngine):
    def cancel(self, handles: Collection[Handle]) -> None:
        for handle in handles:
            assert handle in self._by_handle
        super().cancel(handles)


class CancelIsSuccess(Altered):
    def altered(self, handle: Handle, status: AttemptStatus) -> AttemptStatus:
        return Exited(0) if isinstance(status, Exited) and status.signal and not status.timed_out else status


class ForgetDoesNothing(SimulatedEngine):
    def forget(self, handles: Collection[Handle]) -> None:
        pass


class ForgetsAll(SimulatedEngine):
    def forget(self, handles: Collection[Handle]) -> None:
        super().forget(list(self._by_handle))


class AttachNeedsHandles(SimulatedEngine):
    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        answer = super().attach(attempts)
        return {
            attempt.spec.token: (attempt.handle and answer[attempt.spec.token]) or None
            for attempt in attempts
        }


class AttachForgetsEndedAttempts(SimulatedEngine):
    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        ended = {token for token, status in self.statuses().items() if isinstance(status, Exited)}
        answer = super().attach(attempts)
        return {token: None if token in ended else handle for token, handle in answer.items()}


class AttachBelievesAll(SimulatedEngine):
    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        answer = super().attach(attempts)
        return {
            attempt.spec.token: answer[attempt.spec.token] or attempt.handle or None for attempt in attempts
        }


class AttachFindsAttemptsOfAClosedEngineOnly(SimulatedEngine):
    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        was_closed = self._was_closed
        answer = super().attach(attempts)
        return answer if was_closed else dict.fromkeys(answer)

    _was_closed = False

    def close(self, leave_running: bool = False) -> None:
        self._was_closed = True
        super().close(leave_running)


class AttachAnswersForFoundOnly(SimulatedEngine):
    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        return {token: handle for token, handle in super().attach(attempts).items() if handle}


class AttachSparesOthers(SimulatedEngine):
    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        expected = {attempt.spec.token for attempt in attempts}
        self._closed = False
        return {
            token: self._by_token[token].handle if token in self._by_token else None for token in expected
        }


class CloseLeavesAll(SimulatedEngine):
    def close(self, leave_running: bool = False) -> None:
        super().close(leave_running=True)


class CloseEndsAll(SimulatedEngine):
    def close(self, leave_running: bool = False) -> None:
        super().close()


class CloseForgets(SimulatedEngine):
    def close(self, leave_running: bool = False) -> None:
        super().close(leave_running)
        if not leave_running:
            self.forget(list(self._by_handle))


class NeverPolls(SimulatedEngine):
    def next_poll(self) -> float | None:
        return None


class AlwaysPolls(SimulatedEngine):
    def next_poll(self) -> float | None:
        return 0.0


class LeavesProcesses(SimulatedEngine):
    def running_on(self, node: str) -> int:
        return super().running_on(node) + len(self._by_handle)


class PollsTooLate(SimulatedEngine):
    def next_poll(self) -> float | None:
        return float("inf")


class SaysThatItStartsAtOnce(SimulatedEngine):
    def starts_at_once(self, spec: AttemptSpec) -> bool:
        self.script.task(where=lambda asked: asked.token == spec.token).pending(1)
        return True


class StartsAtOnceElsewhere(SimulatedEngine):
    def __init__(self, clock: Clock, script: Script, **options: Any) -> None:
        super().__init__(clock, script, **options)
        self.capabilities = replace(self.capabilities, node="n3")

    def starts_at_once(self, spec: AttemptSpec) -> bool:
        return True


@pytest.mark.parametrize(
    ("engine", "test"),
    [
        (TooFewAnswers, "test_one_answer_for_each_attempt"),
        (AnswersInAnotherOrder, "test_one_answer_for_each_attempt"),
        (NoAnswer, "test_one_answer_for_each_attempt"),
        (SubmitsAgain, "test_a_token_is_submitted_once"),
        (RejectsTheBatch, "test_rejected_attempts"),
        (FearsLongEnvironments, "test_hostile_specifications"),
        (WaitsForPrograms, "test_no_method_waits_for_a_program"),
        (NoTimeLimit, "test_time_limit"),
        (ShortTimeLimit, "test_time_limit"),
        (NoExitCodes, "test_exit_codes"),
        (SignalsAreSuccess, "test_signals"),
        (TimeLimitIsAnySignal, "test_time_limit"),
        (StartTimeIsThatOfTheSubmission, "test_times"),
        (EndTimeIsThatOfTheQuestion, "test_times"),
        (NoNode, "test_times"),
        (AnotherNodeEachTime, "test_times"),
        (PendingIsRunning, "test_pending_comes_before_running"),
        (GoesBackToPending, "test_times"),
        (LossIsFailure, "test_lost_attempts"),
        (UnknownIsLost, "test_status_of_unknown_handles"),
        (UnknownIsLostInAnOutage, "test_an_outage_changes_nothing"),
        (RaisesForUnknownHandles, "test_status_of_unknown_handles"),
        (AnswersForAll, "test_status_of_unknown_handles"),
        (CancelDoesNothing, "test_cancel_ends_an_attempt"),
        (CancelEndsAll, "test_cancel_ends_an_attempt"),
        (CancelEndsAllIfAHandleIsEmpty, "test_cancel_unknown_handles"),
        (CancelSparesPendingAttempts, "test_cancel_a_pending_attempt"),
        (CancelRaisesForUnknownHandles, "test_cancel_unknown_handles"),
        (CancelIsSuccess, "test_cancel_ends_an_attempt"),
        (ForgetDoesNothing, "test_forget"),
        (ForgetsAll, "test_forget"),
        (AttachNeedsHandles, "test_attach_after_a_restart"),
        (AttachForgetsEndedAttempts, "test_attach_after_a_restart"),
        (AttachBelievesAll, "test_attach_after_a_restart"),
        (AttachFindsAttemptsOfAClosedEngineOnly, "test_attach_after_a_crash"),
        (AttachAnswersForFoundOnly, "test_attach_after_a_restart"),
        (AttachSparesOthers, "test_attach_after_a_restart"),
        (CloseLeavesAll, "test_close_ends_attempts"),
        (CloseEndsAll, "test_close_leaves_attempts_alone"),
        (CloseForgets, "test_close_ends_attempts"),
        (NeverPolls, "test_the_service_hears_of_changes"),
        (AlwaysPolls, "test_an_engine_without_attempts_is_quiet"),
        (LeavesProcesses, "test_no_process_stays"),
        (PollsTooLate, "test_the_service_hears_of_changes"),
        (StartsAtOnceElsewhere, "test_starts_at_once_says_the_truth"),
        (SaysThatItStartsAtOnce, "test_starts_at_once_says_the_truth"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_suite_finds_a_planted_fault(engine: type[SimulatedEngine], test: str) -> None:
    class Faulty(SimulatedContract):
        engine_class = engine
        large = 20

    assert failures_of(Faulty, test)[test]


def test_without_pytest_the_suite_reports_failures() -> None:
    class Small(SimulatedContract):
        large = 20

    assert failures_of(Small) == {}

    class Faulty(Small):
        engine_class = ForgetDoesNothing

    assert failures_of(Faulty) == {"test_forget": "AssertionError: forget: the attempt still has a status"}

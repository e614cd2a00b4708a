"""Random schedules on the simulated engine, and a loop of a service on the virtual clock."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Exited,
    Handle,
    Lost,
    Pending,
    Rejected,
    Running,
    Submitted,
)
from batchcompute.service.engines.simulated import Script, SimulatedEngine
from batchcompute.service.simulated_clock import SimulatedClock

SLOTS = {"n1": 1, "n2": 2}
SECONDS = st.sampled_from([0.0, 0.1, 0.3, 1.0, 7.0, 60.0])
TASKS = st.sampled_from(["short", "long", "queued", "pinned", "lost", "deaf", "hangs"])
STEPS = st.one_of(
    st.tuples(st.just("submit"), TASKS),
    st.tuples(st.just("wait"), SECONDS),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("forget"), st.integers(0, 5)),
    st.tuples(st.sampled_from(["lose", "return"]), st.sampled_from(["n1", "n2"])),
    st.tuples(st.just("restart"), st.booleans()),
)


def script() -> Script:
    made = Script(1).node("n1", 1).node("n2", 2)
    made.task("short").fails(1, after=0.1).task("long").succeeds(after=50).task("queued").pending(
        10, "Priority"
    )
    made.task("pinned").on("n1").task("lost").lost(2, after=0.3).task("deaf").hangs().ignores_cancel(2)
    return made.task("hangs").hangs()


class Schedule:
    """An engine under random calls, which checks its invariants after each of them."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.engine = SimulatedEngine(self.clock, script(), cancel_seconds=0.3)
        self.specs: dict[Handle, AttemptSpec] = {}
        self.seen: dict[Handle, AttemptStatus] = {}
        self.number = 0

    def play(self, steps: Sequence[tuple[str, object]]) -> None:
        for name, value in steps:
            getattr(self, f"do_{name}")(value)
            self.check()
        for node in SLOTS:
            self.engine.return_node(node)
        for _ in range(1000):
            delay = self.engine.next_poll()
            if delay is None:
                break
            self.clock.advance(delay)
            self.check()
        assert all(isinstance(status, (Exited, Lost, Rejected)) for status in self.seen.values())
        assert [self.engine.running_on(node) for node in SLOTS] == [0, 0], "a slot has leaked"

    def do_submit(self, task: str) -> None:
        self.number += 1
        spec = AttemptSpec(f"token-{self.number}", "job-1", task, self.number % 3, "owner", "true", 100.0)
        answer = self.engine.submit([spec])[0]
        assert isinstance(answer, Submitted)
        self.specs[answer.handle] = spec

    def do_wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def do_cancel(self, index: int) -> None:
        self.engine.cancel(list(self.specs)[index : index + 2])

    def do_forget(self, index: int) -> None:
        for handle in [handle for handle in self.specs if isinstance(self.seen.get(handle), (Exited, Lost))][
            :index
        ]:
            self.engine.forget([handle])
            del self.specs[handle], self.seen[handle]

    def do_lose(self, node: str) -> None:
        self.engine.lose_node(node)

    def do_return(self, node: str) -> None:
        self.engine.return_node(node)

    def do_restart(self, leave_running: bool) -> None:
        self.engine.close(leave_running)
        self.check()
        attached = self.engine.attach([Attachment(spec, "") for spec in self.specs.values()])
        for handle, spec in list(self.specs.items()):
            if attached[spec.token] is None:
                assert not leave_running
                assert self.seen[handle] == Lost("the engine was closed")
                del self.specs[handle], self.seen[handle]
            else:
                assert attached[spec.token] == handle

    def check(self) -> None:
        statuses = self.engine.status(list(self.specs))
        running = Counter(status.node for status in statuses.values() if isinstance(status, Running))
        for node, slots in SLOTS.items():
            assert running[node] == self.engine.running_on(node) <= slots
        for handle, status in statuses.items():
            before = self.seen.get(handle, Pending())
            assert not isinstance(status, Pending) or isinstance(before, Pending)
            assert not isinstance(before, (Exited, Lost, Rejected)) or status == before
            assert not (isinstance(before, Running) and isinstance(status, Running)) or status == before
            if isinstance(status, Exited) and status.started is not None:
                assert status.started <= (status.ended or 0) <= self.clock.time() + 1e-6
                assert (status.ended or 0) - status.started <= 100 + 1e-6, "longer than its time limit"
            self.seen[handle] = status


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_random_schedules_keep_the_invariants(steps: list[tuple[str, object]]) -> None:
    Schedule().play(steps)


@settings(max_examples=50, deadline=None)
@given(st.lists(TASKS, min_size=1, max_size=20), st.lists(SECONDS, max_size=20))
def test_the_course_of_events_does_not_depend_on_the_questions(tasks: list[str], waits: list[float]) -> None:
    ends: list[list[AttemptStatus]] = []
    for questions in ([], waits):
        schedule = Schedule()
        for task in tasks:
            schedule.do_submit(task)
        for seconds in questions:
            schedule.do_wait(seconds)
            schedule.check()
        schedule.clock.advance(100_000 - schedule.clock.monotonic())
        ends.append(list(schedule.engine.status(list(schedule.specs)).values()))
    assert ends[0] == ends[1]


class Service:
    """A loop that submits attempts of one task until each instance has succeeded, as a dispatcher does in its thread."""

    def __init__(self, clock: SimulatedClock, engine: SimulatedEngine, instances: int) -> None:
        self.clock, self.engine = clock, engine
        self.ends: list[tuple[float, AttemptStatus]] = []
        self.error: Exception | None = None
        self._condition = threading.Condition()
        self._woken = False
        self._waiting = list(range(instances))
        self._running: dict[Handle, int] = {}
        self._tokens = 0
        engine.bind(self._wake)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _wake(self) -> None:
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    def _run(self) -> None:
        try:
            while self._waiting or self._running:
                self._round()
                with self._condition:
                    if not self._woken and self._running:
                        self.clock.wait(self._condition, self.engine.next_poll())
                    self._woken = False
        except Exception as error:  # noqa: BLE001 - the test reports it
            self.error = error

    def _round(self) -> None:
        for instance in self._waiting:
            self._tokens += 1
            spec = AttemptSpec(f"token-{self._tokens}", "job-1", "t", instance, "owner", "true", 3600.0)
            answer = self.engine.submit([spec])[0]
            assert isinstance(answer, Submitted)
            self._running[answer.handle] = instance
        self._waiting = []
        for handle, status in self.engine.status(list(self._running)).items():
            if isinstance(status, (Exited, Lost)):
                self.ends.append((self.clock.monotonic(), status))
                instance = self._running.pop(handle)
                if status != Exited(0) and not (isinstance(status, Exited) and status.code == 0):
                    self._waiting.append(instance)
                    self._wake()
                self.engine.forget([handle])


def test_a_service_with_a_virtual_clock_takes_no_real_time() -> None:
    clock = SimulatedClock()
    engine = SimulatedEngine(
        clock, Script().task("t").pending(3600, "Priority").fails(2, after=1800).lost().then_succeeds()
    )
    service = Service(clock, engine, instances=20)
    service.thread.join(20)
    assert not service.thread.is_alive()
    assert service.error is None
    assert len(service.ends) == 20 * 4
    assert clock.monotonic() == 2 * (3600 + 1800) + 2 * (3600 + 1)
    assert engine.next_poll() is None


def test_a_service_follows_a_clock_that_a_test_moves() -> None:
    clock = SimulatedClock(auto=False)
    engine = SimulatedEngine(clock, Script(600).task("t").fails(3))
    service = Service(clock, engine, instances=2)
    while not clock._waiters:
        threading.Event().wait(0.001)
    clock.advance(7200)
    service.thread.join(20)
    assert not service.thread.is_alive()
    assert service.error is None
    assert [moment for moment, _ in service.ends] == [600, 600, 1200, 1200, 1800, 1800, 2400, 2400]


def test_a_node_that_a_test_loses_wakes_the_service() -> None:
    clock = SimulatedClock(auto=False)
    engine = SimulatedEngine(clock, Script(600))
    service = Service(clock, engine, instances=1)
    while not clock._waiters:
        threading.Event().wait(0.001)
    engine.lose_node("node-1")
    while not service.ends:
        threading.Event().wait(0.001)
    assert service.ends == [(0, Lost("the node node-1 was lost"))]
    engine.return_node("node-1")
    while not isinstance(next(iter(engine.statuses().values()), None), Running) or not clock._waiters:
        threading.Event().wait(0.001)
    clock.advance(600)
    service.thread.join(20)
    assert not service.thread.is_alive()
    assert [type(status) for _, status in service.ends] == [Lost, Exited]

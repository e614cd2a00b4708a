"""The clock with virtual time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from batchcompute.service.clock import Clock, timestamp
from batchcompute.service.simulated_clock import SimulatedClock


def started(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def joined(thread: threading.Thread) -> None:
    thread.join(10)
    assert not thread.is_alive()


class Sleeper:
    """A thread that waits again and again, and notes the time after each wait."""

    def __init__(self, clock: SimulatedClock, pause: float, rounds: int, patient: bool = True) -> None:
        self.times: list[float] = []
        self.condition = threading.Condition()
        self._patient = patient
        self._clock, self._pause, self._rounds = clock, pause, rounds
        self.thread = started(self._run)

    def _run(self) -> None:
        with self.condition:
            for _ in range(self._rounds):
                end = self._clock.monotonic() + self._pause
                self._clock.wait(self.condition, self._pause)
                # The end of a hold wakes all, as a notification may always do.
                while self._patient and self._clock.monotonic() < end:
                    self._clock.wait(self.condition, end - self._clock.monotonic())
                self.times.append(self._clock.monotonic())


def waiting(clock: SimulatedClock, number: int) -> None:
    """Wait until a number of threads wait with a time-out."""
    for _ in range(1000):
        if len(clock._waiters) == number:
            return
        threading.Event().wait(0.005)
    raise AssertionError("the threads do not wait")


def test_it_is_a_clock_whose_time_begins_at_a_fixed_moment() -> None:
    clock: Clock = SimulatedClock()
    assert timestamp(clock) == "2026-01-01T00:00:00.000000Z"
    assert SimulatedClock(5).time() == 5
    assert clock.monotonic() == 0


def test_a_wait_of_an_idle_service_moves_the_time_at_once() -> None:
    clock, condition = SimulatedClock(), threading.Condition()
    with condition:
        clock.wait(condition, 7200)
        assert clock.monotonic() == 7200
        clock.wait(condition, 0)
        clock.wait(condition, -1)
    assert clock.monotonic() == 7200
    clock.sleep(0.5)
    assert clock.monotonic() == 7200.5
    assert clock.time() == SimulatedClock().time() + 7200.5


@pytest.mark.parametrize("timeout", [None, float("inf")])
def test_a_wait_without_a_time_out_waits_for_its_condition(timeout: float | None) -> None:
    clock, condition, events = SimulatedClock(), threading.Condition(), list[str]()

    def wait() -> None:
        with condition:
            while "go" not in events:
                events.append("waits")
                clock.wait(condition, timeout)
            events.append("goes")

    thread = started(wait)
    clock.settle(1)
    clock.advance(1e6)
    with condition:
        assert set(events) == {"waits"}
        events.append("go")
        condition.notify_all()
    joined(thread)
    assert events[-2:] == ["go", "goes"]


def test_advance_waits_for_threads_that_have_just_been_notified() -> None:
    """Without that, a test could not say: two jobs are submitted, and an hour passes."""
    clock, condition, inbox, done = (
        SimulatedClock(auto=False),
        threading.Condition(),
        list[int](),
        list[float](),
    )

    def serve() -> None:
        with condition:
            while len(done) < 100:
                while inbox:
                    done.append(inbox.pop() - clock.monotonic())
                clock.wait(condition, None)

    thread = started(serve)
    clock.settle(1)
    for number in range(100):
        with condition:
            inbox.append(number)
            condition.notify_all()
        clock.advance(1)
    joined(thread)
    assert done == [0.0] * 100


def test_a_thread_that_only_sleeps_is_not_waited_for() -> None:
    clock, event = SimulatedClock(auto=False), threading.Event()

    def sleep() -> None:
        clock.sleep(1)
        event.wait(10)

    thread = started(sleep)
    waiting(clock, 1)
    clock.advance(1)
    clock.advance(1)
    event.set()
    joined(thread)
    assert clock.monotonic() == 2


def test_without_auto_the_time_moves_only_when_it_is_told_to() -> None:
    clock = SimulatedClock(auto=False)
    sleeper = Sleeper(clock, 10, rounds=1)
    waiting(clock, 1)
    clock.advance(9.5)
    assert sleeper.thread.is_alive()
    clock.advance(0.5)
    joined(sleeper.thread)
    assert sleeper.times == [10]


def test_advance_stops_at_each_wait_on_its_way() -> None:
    clock = SimulatedClock(auto=False)
    often, rarely = Sleeper(clock, 10, rounds=10), Sleeper(clock, 25, rounds=4)
    waiting(clock, 2)
    clock.advance(100)
    joined(often.thread)
    joined(rarely.thread)
    assert often.times == [10.0 * n for n in range(1, 11)]
    assert rarely.times == [25.0 * n for n in range(1, 5)]
    assert clock.monotonic() == 100


def test_a_notification_ends_a_wait_before_its_time() -> None:
    clock = SimulatedClock(auto=False)
    sleeper = Sleeper(clock, 10, rounds=1, patient=False)
    waiting(clock, 1)
    with sleeper.condition:
        sleeper.condition.notify_all()
    joined(sleeper.thread)
    assert sleeper.times == [0]
    clock.advance(1)


def test_the_earliest_of_all_waiting_threads_moves_the_time() -> None:
    clock = SimulatedClock()
    with clock.hold():
        late = Sleeper(clock, 100, rounds=1)
        early = Sleeper(clock, 1, rounds=3)
        waiting(clock, 2)
        assert clock.monotonic() == 0
    joined(early.thread)
    joined(late.thread)
    assert early.times == [1, 2, 3]
    assert late.times == [100]


def test_hold_keeps_the_time_while_real_work_is_done() -> None:
    clock = SimulatedClock()
    with clock.hold():
        sleeper = Sleeper(clock, 10, rounds=1)
        waiting(clock, 1)
        assert clock.monotonic() == 0
        clock.advance(4)
        assert clock.monotonic() == 4
    joined(sleeper.thread)
    assert clock.monotonic() == 10


def test_a_thread_that_has_ended_does_not_stop_the_time() -> None:
    clock = SimulatedClock(auto=False)
    sleepers = [Sleeper(clock, pause, rounds=1) for pause in range(1, 20)]
    waiting(clock, 19)
    clock.advance(20)
    for pause, sleeper in enumerate(sleepers, 1):
        joined(sleeper.thread)
        assert sleeper.times == [pause]


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_the_time_never_goes_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds: must be a finite number from 0"):
        SimulatedClock().advance(seconds)


def test_only_who_holds_the_condition_may_wait() -> None:
    with pytest.raises(RuntimeError):
        SimulatedClock().wait(threading.Condition(), 1)

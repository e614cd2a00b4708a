"""Random schedules of a service: starts, ends, losses, stops, outages and restarts in any order keep the invariants."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from batchcompute.service.domain.states import MAX_LOSSES
from tests.service.schedules import TASKS, Worlds

TASK = st.tuples(st.sampled_from(sorted(TASKS)), st.integers(1, 6), st.integers(0, 3), st.just(True))
JOB = st.tuples(
    st.lists(TASK, min_size=1, max_size=3, unique_by=lambda task: task[0]), st.booleans(), st.booleans()
)
ACTION = st.one_of(
    st.tuples(st.just("create"), JOB),
    st.tuples(st.just("step"), st.tuples(st.integers(1, 3))),
    st.tuples(st.just("wait"), st.tuples(st.sampled_from([0.0, 0.5, 1.0, 5.0, 60.0, 3600.0, 8000.0]))),
    st.tuples(st.sampled_from(["stop", "restart_job", "delete"]), st.tuples(st.integers(0, 5))),
    st.tuples(st.just("restart"), st.tuples(st.sampled_from(["closed", "detached", "killed"]))),
    st.tuples(st.sampled_from(["lose", "back"]), st.tuples(st.sampled_from(["n1", "n2"]))),
    st.tuples(st.just("outage"), st.tuples(st.integers(1, 4))),
)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    opened = Worlds(tmp_path_factory.mktemp("schedules"))
    yield opened
    opened.close()


def play(worlds: Worlds, actions: list[tuple[str, Any]]) -> None:
    with worlds.new() as world:
        for name, arguments in actions:
            note(f"{name}{arguments}")
            getattr(world, name)(*arguments)
            world.check()
        world.finish()


def checked(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


@checked(100)
@given(actions=st.lists(ACTION, max_size=25))
def test_random_schedules_keep_the_invariants(worlds: Worlds, actions: list[tuple[str, Any]]) -> None:
    play(worlds, actions)


@pytest.mark.long
@checked(1000)
@given(actions=st.lists(ACTION, max_size=40))
def test_a_thousand_random_schedules_keep_the_invariants(
    worlds: Worlds, actions: list[tuple[str, Any]]
) -> None:
    play(worlds, actions)


def test_a_result_that_was_known_before_an_outage_ends_its_job_during_the_outage(worlds: Worlds) -> None:
    """The engine has refused an attempt; the next round ends its job, and so stops the other attempt of the job."""
    broken = ("broken", 1, 0, True)
    with worlds.new() as world:
        world.create([broken], False, False)
        world.create([broken, ("refused", 1, 0, True)], False, True)
        world.step()
        world.outage(1)
        world.finish()


def test_an_hour_in_the_queue_does_not_use_up_the_time_limit(worlds: Worlds) -> None:
    with worlds.new() as world:
        world.create([("queued", 1, 0, True)], False, True)
        world.step(2)
        status = world._rows(
            "SELECT i.state, i.started, j.waits FROM instances i JOIN jobs j ON j.seq = i.job"
        )
        assert status == [("Submitted", "", "Instances wait in the engine simulated: Resources.")]
        before = world.clock.monotonic()
        world.wait(3600)
        assert world._rows("SELECT state FROM instances") == [("Running",)]
        world.finish()
        assert world.clock.monotonic() - before == 3610
        assert world._rows("SELECT waits, state FROM jobs") == [("", "Finished")]


def test_a_program_ends_at_its_time_limit(worlds: Worlds) -> None:
    with worlds.new() as world:
        world.create([("endless", 2, 1, True)], False, False)
        before = world.clock.monotonic()
        world.finish()
        assert world.clock.monotonic() - before == 2 * 7200
        assert world._rows("SELECT DISTINCT error_code, retries FROM instances") == [("Timeout", 1)]


def test_losses_are_capped_and_no_retries_after_failures(worlds: Worlds) -> None:
    with worlds.new() as world:
        world.create([("lost", 1, 0, True)], False, True)
        world.create([("vanishing", 1, 3, True)], False, True)
        world.finish()
        rows = world._rows("SELECT state, attempt, retries, losses, error_code FROM instances ORDER BY job")
        assert rows[0] == ("Finished", 4, 0, 3, "")
        assert rows[1] == ("Failed", MAX_LOSSES, 0, MAX_LOSSES - 1, "Lost")

"""`SimulatedService`: faults of attempts, nodes and requests, on a virtual clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from batchcompute import ConfigError, OutcomeUnknown, ServerError
from batchcompute.resources import JobDescription, TaskDescription
from batchcompute.service import Script
from batchcompute.testing import SimulatedService


def job(*names: str, retries: int = 0) -> JobDescription:
    description = JobDescription(Name="test")
    for name in names:
        task = TaskDescription.of_command("true", instance_type="ecs.s3.large")
        task.MaxRetryCount = retries
        task.Timeout = 10_000
        description.DAG.add_task(name, task)
    return description


@pytest.fixture
def simulated() -> Iterator[SimulatedService]:
    with SimulatedService.running(Script().node("n1").node("n2")) as running:
        yield running


def test_an_instance_fails_twice_and_a_node_is_lost(simulated: SimulatedService) -> None:
    simulated.script.task("align").fails(2, code=3).then_succeeds()
    simulated.script.task("sort").on("n1").lost(after=5)
    created = simulated.client.create_job(job("align", "sort", retries=2))
    assert simulated.client.wait(created, timeout=60).State == "Finished"
    attempts = simulated.client.list_attempts(created, "align", 0)
    assert [attempt.ExitCode for attempt in attempts] == [3, 3, 0]
    states = [attempt.State for attempt in simulated.client.list_attempts(created, "sort", 0)]
    assert states == ["Lost", "Finished"]


def test_two_hours_pass_at_once(simulated: SimulatedService) -> None:
    with simulated.clock.hold():
        simulated.script.task("t").succeeds(after=7200)
        created = simulated.client.create_job(job("t"))
        simulated.clock.advance(7100)
        assert simulated.client.get_job(created).State == "Running"
        started = time.perf_counter()
        simulated.clock.advance(200)
        assert time.perf_counter() - started < 2
        assert simulated.client.get_job(created).State == "Finished"


def test_the_service_answers_503_three_times(simulated: SimulatedService) -> None:
    simulated.refuses(503, 3)
    assert simulated.client.list_jobs().StatusCode == 200
    simulated.refuses(500, 4, operation="get_quotas", code="Broken", message="no quotas today")
    assert simulated.client.list_jobs().StatusCode == 200
    with pytest.raises(ServerError, match="no quotas today") as caught:
        simulated.client.get_quotas()
    assert (caught.value.status, caught.value.code) == (500, "Broken")
    assert simulated.client.get_quotas().StatusCode == 200


def test_a_lost_answer_creates_no_second_job(simulated: SimulatedService) -> None:
    simulated.loses("answer", operation="create_job")
    created = simulated.client.create_job(job("t"))
    assert [one.Id for one in simulated.client.list_jobs()] == [created.Id]
    simulated.loses("request", 4, operation="create_job")
    with pytest.raises(OutcomeUnknown):
        simulated.client.create_job(job("t"))
    assert len(simulated.client.list_jobs()) == 1


async def test_faults_reach_the_asynchronous_client(simulated: SimulatedService) -> None:
    simulated.refuses(503, 3, operation="create_job")
    created = await simulated.async_client.create_job(job("t"))
    assert (await simulated.async_client.wait(created, timeout=60)).State == "Finished"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one: one.refuses(200), r"status: must be an integer from 400 to 599 \(got 200\)"),
        (lambda one: one.refuses(503, 0), r"times: must be an integer from 1 \(got 0\)"),
        (lambda one: one.refuses(503, operation="no"), r"operation: must be '\*' or the name of .* \(got 'no'\)"),
        (lambda one: one.loses("all"), r"what: must be 'request' or 'answer' \(got 'all'\)"),
    ],
)  # fmt: skip
def test_mistakes_are_named(simulated: SimulatedService, call, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call(simulated)

"""Jobs of the service on the simulated engine and the virtual clock."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from batchcompute import Client
from batchcompute.resources import JobDescription
from batchcompute.service import LocalService, Script, SimulatedClock, SimulatedEngine

HOUR = 3600


def job(
    tasks: dict[str, dict[str, Any]], edges: dict[str, list[str]] | None = None, **fields: Any
) -> JobDescription:
    full = {
        name: {
            "Parameters": {"Command": {"CommandLine": "true"}},
            "AutoCluster": {"InstanceType": "ecs.s3.large"},
            "Timeout": HOUR,
            **task,
        }
        for name, task in tasks.items()
    }
    return JobDescription(
        {"Name": "simulated", "DAG": {"Tasks": full, "Dependencies": edges or {}}, **fields}
    )


class Simulation:
    """A service on a simulated engine, which can be restarted."""

    def __init__(self, script: Script, data_dir: Path) -> None:
        self.clock = SimulatedClock()
        self.engine = SimulatedEngine(self.clock, script)
        self._data_dir = data_dir
        self.attempts: dict[str, list[tuple[str | None, str | None, str | None]]] = {}

    @contextmanager
    def client(self, detach: bool = False) -> Generator[Client]:
        with (
            LocalService(
                self._data_dir, engine=self.engine, clock=self.clock, detach=detach, slots=100
            ) as service,
            service.client() as client,
        ):
            # The thread of the dispatcher has started.
            self.clock.settle(1)
            yield client

    def run(self, description: JobDescription) -> str | None:
        """Run a job to its end, and return its state."""
        with self.client() as client:
            created = client.create_job(description)
            client.wait(created, raise_on_failure=False)
            self.attempts = {
                name: [
                    (attempt.State, attempt.ErrorCode, attempt.NodeIp)
                    for attempt in client.list_attempts(created, name, 0)
                ]
                for name in description.DAG.Tasks
            }
            self.message = client.get_job(created).Message
            return client.get_job(created).State


def test_a_pipeline_with_failures_a_queue_and_a_lost_node_takes_hours_in_no_time(tmp_path: Path) -> None:
    script = Script().task("align").pending(HOUR, "Resources").fails(2, code=3).then_succeeds(after=5)
    script.on("n2").task("sort").lost(after=10).then_succeeds(after=60).on("n1").task("call").hangs(1).on(
        "n2"
    )
    simulation = Simulation(script, tmp_path)
    retries = {"MaxRetryCount": 3}
    tasks = {"align": {**retries, "InstanceCount": 2}, "sort": retries, "call": retries}
    state = simulation.run(job(tasks, {"align": ["sort"], "sort": ["call"]}))
    assert state == "Finished"
    assert (
        simulation.attempts
        == {
            "align": [("Failed", "ProgramFailed", "node-1")] * 2 + [("Finished", "", "node-1")],
            "sort": [("Lost", "Lost", "n1"), ("Finished", "", "node-1")],
            "call": [("Failed", "Timeout", "node-1"), ("Finished", "", "n1")],
        }
        or simulation.attempts["align"][2][0] == "Finished"
    )
    assert 4 * HOUR < simulation.clock.monotonic() < 4 * HOUR + 120, (
        "three waits in the queue, and one time limit"
    )


@pytest.mark.parametrize("retries", [0, 2])
def test_a_job_fails_when_its_retries_are_used_up(tmp_path: Path, retries: int) -> None:
    simulation = Simulation(Script().task("t").fails(code=9), tmp_path)
    assert simulation.run(job({"t": {"MaxRetryCount": retries}})) == "Failed"
    assert [state for state, _, _ in simulation.attempts["t"]] == ["Failed"] * (retries + 1)


@pytest.mark.parametrize(
    "script",
    [
        Script().submit_raises(4),
        Script().submit_raises(accepted=True),
        Script().submit_answers_nonsense(5),
        Script().rejected("no licence is free", 3, retryable=True),
        Script().unknown(HOUR),
        Script().pending(HOUR).lost(2),
        Script().node("n1", 1).node_lost("n1", at=0.5, back=HOUR),
    ],
    ids=["raises", "answer lost", "nonsense", "busy", "unknown", "lost", "node lost"],
)
def test_a_fault_of_the_engine_fails_no_job(tmp_path: Path, script: Script) -> None:
    simulation = Simulation(script, tmp_path)
    assert simulation.run(job({"t": {"InstanceCount": 3, "MaxRetryCount": 0}})) == "Finished"
    assert simulation.engine.running_on(next(iter(script.nodes), "node-1")) == 0
    assert not simulation.engine.statuses(), "the service has forgotten no attempt"


def test_a_refused_attempt_fails_its_job_with_the_reason(tmp_path: Path) -> None:
    simulation = Simulation(
        Script().rejected("there is no partition `gpu`", error_code="BadRequest"), tmp_path
    )
    assert simulation.run(job({"t": {"MaxRetryCount": 0}})) == "Failed"
    assert [error for _, error, _ in simulation.attempts["t"]] == ["BadRequest"]


def test_a_job_is_stopped_in_the_queue_and_while_it_runs(tmp_path: Path) -> None:
    script = Script().task("queued").pending(1e9, "Priority").task("runs").hangs().ignores_cancel(2)
    simulation = Simulation(script, tmp_path)
    with simulation.clock.hold(), simulation.client() as client:
        created = client.create_job(job({"queued": {}, "runs": {}}))
        simulation.clock.advance(10)
        client.stop_job(created)
        simulation.clock.advance(10)
        client.wait(created, raise_on_failure=False)
        assert client.get_job(created).State == "Stopped"
        simulation.clock.advance(10)
        assert simulation.engine.running_on("node-1") == 0


def test_a_restarted_service_finds_its_attempts_on_the_engine(tmp_path: Path) -> None:
    simulation = Simulation(Script(600).task("a").fails(1, after=100), tmp_path)
    tasks = {"a": {"InstanceCount": 3, "MaxRetryCount": 1}, "b": {}}
    with simulation.clock.hold(), simulation.client(detach=True) as client:
        created = client.create_job(job(tasks, {"a": ["b"]}))
        simulation.clock.advance(10)
        assert simulation.engine.submitted == 3
    # Two of the three end while no service runs.
    simulation.clock.advance(200)
    with simulation.client() as client:
        client.wait(created)
        assert [attempt.State for attempt in client.list_attempts(created, "a", 2)] == ["Failed", "Finished"]
    assert simulation.engine.submitted == 3 + 3 + 1

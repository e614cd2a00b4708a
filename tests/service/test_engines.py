"""States of attempts in an engine, as clients see them; engines that answer nonsense, or nothing."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from batchcompute import Client, ClientError, ConfigError
from batchcompute.service import LocalService, Script, SimulatedClock, SimulatedEngine
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.engines.base import AttemptSpec, AttemptStatus, Handle, Rejected, Submission
from tests.service.helpers import finish, job, task, until


@contextmanager
def simulated(tmp_path: Path, script: Script, **options: Any) -> Generator[tuple[Client, SimulatedClock]]:
    clock = SimulatedClock(auto=False)
    kind = options.pop("kind", SimulatedEngine)
    engine = kind(clock, script, **options)
    with (
        LocalService(tmp_path / "d", slots=4, engine=engine, clock=clock) as service,
        service.client() as client,
    ):
        yield client, clock


def advance_until(clock: SimulatedClock, condition: Any, seconds: float = 1.0) -> None:
    """Move the time until a condition holds."""

    def moved() -> bool:
        clock.advance(seconds)
        return bool(condition())

    until(moved)


def test_an_instance_in_the_queue_of_an_engine_waits(tmp_path: Path) -> None:
    script = Script().task("t").pending(3600, "Resources").succeeds(after=30)
    with simulated(tmp_path, script) as (client, clock):
        job_id = client.create_job(job({"t": task("true", Timeout=60)})).Id
        advance_until(clock, lambda: "Resources" in (client.get_job(job_id).Message or ""))
        waiting = client.get_instance(job_id, "t", 0)
        assert (waiting.State, waiting.StartTime, waiting.NodeIp) == ("Waiting", None, "")
        assert client.get_job(job_id).State == "Waiting"
        assert client.get_job(job_id).InstanceMetrics.WaitingCount == 1
        assert [each.State for each in client.list_attempts(job_id, "t", 0)] == ["Waiting"]
        assert [each.State for each in client.list_instances(job_id, "t", state="Waiting")] == ["Waiting"]
        clock.advance(3600)
        until(lambda: client.get_instance(job_id, "t", 0).State == "Running")
        running = client.get_instance(job_id, "t", 0)
        assert running.StartTime
        assert running.NodeIp == "node-1"
        assert client.get_job(job_id).Message == ""
        advance_until(clock, lambda: client.get_job(job_id).State == "Finished")


def test_a_stop_reaches_an_attempt_in_the_queue(tmp_path: Path) -> None:
    with simulated(tmp_path, Script().task("t").pending(3600, "Priority")) as (client, clock):
        job_id = client.create_job(job({"t": task("true", InstanceCount=3)})).Id
        advance_until(clock, lambda: "Priority" in (client.get_job(job_id).Message or ""))
        client.stop_job(job_id)
        assert [each.State for each in client.list_instances(job_id, "t")] == ["Stopped"] * 3
        assert client.get_job(job_id).InstanceMetrics.StoppedCount == 3
        client.start_job(job_id)
        advance_until(clock, lambda: "Priority" in (client.get_job(job_id).Message or ""))
        advance_until(clock, lambda: client.get_job(job_id).State == "Finished", 3600)


def test_losses_are_told_apart_from_failures(tmp_path: Path) -> None:
    script = Script().task("t").lost(2, after=5).fails(1, code=3, after=1).then_succeeds()
    with simulated(tmp_path, script) as (client, clock):
        job_id = client.create_job(job({"t": task("true", MaxRetryCount=1)})).Id
        advance_until(clock, lambda: client.get_job(job_id).State == "Finished")
        attempts = list(client.list_attempts(job_id, "t", 0))
        assert [each.State for each in attempts] == ["Lost", "Lost", "Failed", "Finished"]
        assert all(each.ErrorCode == "Lost" and each.ErrorMessage for each in attempts[:2])
        assert client.get_instance(job_id, "t", 0).RetryCount == 3


def test_a_job_says_why_its_last_attempt_was_lost_until_one_comes_to_its_end(tmp_path: Path) -> None:
    script = Script().task("t").pending(50, "Priority").lost(1).fails(1, code=3).then_succeeds()
    with simulated(tmp_path, script) as (client, clock):
        job_id = client.create_job(job({"t": task("true", MaxRetryCount=1)})).Id

        def waits_after(attempts: int) -> bool:
            is_there = len(list(client.list_attempts(job_id, "t", 0))) > attempts
            return is_there and "Priority" in str(client.get_job(job_id).Message)

        advance_until(clock, lambda: waits_after(1))
        lost = str(next(iter(client.list_attempts(job_id, "t", 0))).ErrorMessage)
        text = f"An attempt was lost: {lost[:1].lower()}{lost[1:]}"
        assert text.lower() in str(client.get_job(job_id).Message).lower()
        advance_until(clock, lambda: waits_after(2))
        assert "was lost" not in str(client.get_job(job_id).Message)


MAPPED = {"gpu": InstanceType("gpu", 4, 8)}


@pytest.mark.parametrize(
    ("types", "special", "name", "refused"),
    [
        ((), None, "gpus", False),
        (MAPPED.values(), None, "gpus", False),
        ((), frozenset({"gpu"}), "gpus", True),
        (MAPPED.values(), frozenset[str](), "gpus", True),
        (MAPPED.values(), frozenset[str](), "gpu", False),
        (MAPPED.values(), frozenset[str](), "ecs.s3.large", False),
        (MAPPED.values(), frozenset[str](), "", False),
        ((), frozenset({"gpu"}), "gpu", False),
    ],
)
def test_a_misspelt_type_is_refused_by_an_engine_with_types(
    tmp_path: Path, types: Any, special: frozenset[str] | None, name: str, refused: bool
) -> None:
    clock = SimulatedClock(auto=False)
    engine = SimulatedEngine(clock, Script())
    engine.capabilities = replace(engine.capabilities, types=special)
    own: dict[str, Any] = {"types": list(types)} if types else {}
    with (
        LocalService(tmp_path / "d", engine=engine, clock=clock, **own) as service,
        service.client() as client,
    ):
        made = job({"t": task("true", AutoCluster={"InstanceType": name, "ImageId": "img-ubuntu"})})
        if not refused:
            assert client.create_job(made).Id
            return
        groups = {"g": {"InstanceType": name, "DesiredVMCount": 0}}
        with pytest.raises(ClientError, match="Group g asks for 'gpus'"):
            client.create_cluster({"Name": "c", "ImageId": "img-ubuntu", "Groups": groups})
        groups["g"]["InstanceType"] = "gpu"
        cluster = client.create_cluster({"Name": "c", "ImageId": "img-ubuntu", "Groups": groups}).Id
        with pytest.raises(ClientError, match="Group g asks for 'gpus'"):
            client.modify_cluster(cluster, {"Groups": {"g": {"InstanceType": name}}})
        with pytest.raises(ClientError) as caught:
            client.create_job(made)
    assert (caught.value.status, caught.value.code) == (400, "InvalidInstanceType")
    text = "Task t asks for 'gpus', which is neither in [instance_types] nor in the options of the engine simulated."
    assert text in str(caught.value)
    assert "The nearest is 'gpu'; there are bcs.a2.large, " in str(caught.value)


def test_without_types_of_the_site_an_unknown_one_is_mentioned(tmp_path: Path) -> None:
    clock = SimulatedClock(auto=False)
    engine = SimulatedEngine(clock, Script().task("t").pending(3600))
    engine.capabilities = replace(engine.capabilities, types=frozenset())
    with LocalService(tmp_path / "d", engine=engine, clock=clock) as service, service.client() as client:
        job_id = client.create_job(job({"t": task("true", AutoCluster={"InstanceType": "ecs.c9.big"})})).Id
        text = "Task t asks for the instance type 'ecs.c9.big', which the service does not know"
        assert text in str(client.get_job(job_id).Message)


class Nonsense(SimulatedEngine):
    """Answers with things that are no answers, a few times."""

    answers: Sequence[object] = (None, [], ["yes"], [Rejected("too many"), Rejected("too many")], 7)

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        if self.answers:
            self.answers, answer = self.answers[1:], self.answers[0]
            return cast("Sequence[Submission]", answer)
        return super().submit(batch)

    def status(self, handles: Any) -> Mapping[Handle, AttemptStatus]:
        statuses = dict(super().status(handles))
        statuses["stranger"] = cast("AttemptStatus", "fine")
        return statuses


def test_nonsense_of_an_engine_is_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with simulated(tmp_path, Script(1), kind=Nonsense) as (client, clock), caplog.at_level(logging.WARNING):
        job_id = client.create_job(job("true")).Id
        advance_until(clock, lambda: client.get_job(job_id).State == "Finished", 10)
        assert client.get_instance(job_id, "t", 0).RetryCount == 0
        assert "answered NoneType, and not a sequence" in caplog.text
        assert "gave 0 answers for 1 attempts" in caplog.text
        assert "neither Submitted nor Rejected" in caplog.text


def test_a_refused_attempt_fails_its_instance_with_the_reason(tmp_path: Path) -> None:
    with simulated(tmp_path, Script().task("t").rejected("no such partition")) as (client, clock):
        job_id = client.create_job(job("true")).Id
        advance_until(clock, lambda: client.get_job(job_id).State == "Failed")
        result = client.get_instance(job_id, "t", 0).Result
        assert (result.ErrorCode, result.ExitCode) == ("StartFailed", 126)
        assert result.ErrorMessage == "The engine simulated does not run the attempt: no such partition."


def test_an_engine_that_does_not_answer_is_asked_again(tmp_path: Path) -> None:
    clock = SimulatedClock(auto=False)
    engine = SimulatedEngine(clock, Script(1))
    with LocalService(tmp_path / "d", engine=engine, clock=clock) as service, service.client() as client:
        with engine.outage():
            job_id = client.create_job(job("true")).Id
            advance_until(clock, lambda: "accepts no attempts" in (client.get_job(job_id).Message or ""))
            assert client.get_job(job_id).State == "Waiting"
        advance_until(clock, lambda: client.get_job(job_id).State == "Finished", 30)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "slrum"}, "there is no engine 'slrum'; the nearest is 'slurm'"),
        ({"engine": "local,local"}, "names an engine twice"),
        ({"engine_options": {"slurm": {"partition": "x"}}}, "options for the engine 'slurm'"),
        ({"node_endpoint": "head:80"}, "node_endpoint"),
        ({"node_endpoint": "http://head:80/batch"}, "node_endpoint must be an HTTP URL without a path"),
    ],
)
def test_wrong_engine_settings_are_one_line(tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LocalService(tmp_path / "d", **options)
    assert not (tmp_path / "d").exists()


def test_the_default_engine_is_this_machine(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", engine="local") as service, service.client() as client:
        finish(client, client.create_job(job("true")).Id)

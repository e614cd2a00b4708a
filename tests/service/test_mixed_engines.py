"""Several engines in one service: slots, restarts, errors of one of them, and the contract of engines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from batchcompute.resources import JobDescription
from batchcompute.service import LocalService, Script, SimulatedClock, SimulatedEngine
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Engine,
    Exited,
    Handle,
    Lost,
    Pending,
    Running,
    Submitted,
    Unknown,
)
from batchcompute.service.engines.contract_suite import EngineContract
from batchcompute.service.engines.mixed import MixedEngine
from tests.service.helpers import finish, job, output, task, until
from tests.service.test_engine_contract import course_of_command

TYPES = {name: InstanceType(name, 1, 1, engine=name) for name in ("a", "b")}


class TestMixedContract(EngineContract):
    """The contract holds if each attempt has a slot at once."""

    slots = 2000

    def make_engine(self) -> Engine:
        self.clock = SimulatedClock()
        script = Script()
        script.task().decides(course_of_command)
        self.members = {name: SimulatedEngine(self.clock, script, slots=self.slots) for name in ("a", "b")}
        return MixedEngine(self.members, TYPES)

    def restarted(self, engine: Engine) -> Engine:
        return MixedEngine(self.members, TYPES)

    def crashed(self, engine: Engine) -> Engine:
        return MixedEngine(self.members, TYPES)


class TestMixedContractWithAQueue(TestMixedContract):
    """The contract also holds if attempts wait for slots."""

    slots = 4
    large = 200
    patience = 2000.0


def spec(token: str, kind: str = "", name: str = "t") -> AttemptSpec:
    return AttemptSpec(token, "job-1", name, 0, "owner", "x", 600.0, instance_type=kind)


class Pair:
    """Two simulated engines as one."""

    def __init__(self, slots: int = 2) -> None:
        self.clock = SimulatedClock()
        self.a, self.b = (SimulatedEngine(self.clock, Script(seconds=60), slots=slots) for _ in range(2))
        self.engine = self.again()
        self.engine.attach([])

    def again(self) -> MixedEngine:
        self.changes = 0
        self.engine = MixedEngine({"a": self.a, "b": self.b}, TYPES)
        self.engine.bind(self._note)
        return self.engine

    def _note(self) -> None:
        self.changes += 1

    def submit(self, *specs: AttemptSpec) -> list[Handle]:
        answers = [answer for each in specs for answer in self.engine.submit([each])]
        assert all(isinstance(answer, Submitted) for answer in answers)
        return [answer.handle for answer in answers if isinstance(answer, Submitted)]

    def kinds(self, handles: Collection[Handle]) -> list[str]:
        statuses = self.engine.status(handles)
        return [type(statuses[handle]).__name__ for handle in handles]


def test_each_engine_keeps_its_own_slots() -> None:
    pair = Pair(slots=2)
    assert pair.engine.capabilities.slots == 4
    handles = pair.submit(*(spec(f"a{number}") for number in range(4)), spec("b0", "b"))
    assert (pair.a.submitted, pair.b.submitted) == (2, 1)
    statuses = pair.engine.status(handles)
    assert statuses[handles[3]] == Pending("all 2 slots of the engine a are taken")
    assert pair.kinds(handles) == ["Running", "Running", "Pending", "Pending", "Running"]
    # The same token gets no second place in the queue.
    assert pair.submit(spec("a3"), spec("a0")) == [handles[3], handles[0]]
    pair.clock.advance(61)
    pair.changes = 0
    assert pair.kinds(handles) == ["Exited", "Exited", "Pending", "Pending", "Exited"]
    # The service is told to look again, because attempts have got slots.
    assert pair.changes == 1
    assert pair.a.submitted == 4
    assert pair.kinds(handles)[2:4] == ["Running", "Running"]
    pair.clock.advance(61)
    assert pair.kinds(handles) == ["Exited"] * 5
    pair.engine.forget(handles)
    assert pair.kinds(pair.submit(spec("a4"))) == ["Running"]


def test_an_attempt_that_is_cancelled_in_the_queue_never_runs() -> None:
    pair = Pair(slots=1)
    first, second, third = pair.submit(spec("1"), spec("2"), spec("3"))
    pair.engine.cancel([second])
    assert pair.engine.status([second]) == {second: Lost("it was cancelled before it had a slot")}
    pair.engine.cancel([first])
    pair.kinds([first, third])
    assert pair.kinds([first, third])[1] == "Running"
    assert pair.a.submitted == 2


def test_attempts_that_wait_survive_a_restart() -> None:
    pair = Pair(slots=1)
    specs = [spec("1"), spec("2"), spec("3"), spec("4", "b")]
    handles = pair.submit(*specs)
    pair.engine.close(leave_running=True)
    engine = pair.again()
    answer = engine.attach([Attachment(*each) for each in zip(specs, handles, strict=True)])
    assert [answer[each.token] for each in specs] == handles
    assert pair.kinds(handles) == ["Running", "Pending", "Pending", "Running"]
    # One that has started since, and one whose handle was not stored, are found by their tokens.
    pair.clock.advance(61)
    pair.kinds(handles)
    assert pair.a.submitted == 2
    engine = pair.again()
    answer = engine.attach([Attachment(specs[1], handles[1]), Attachment(specs[2], "")])
    assert answer["2"] == "a:simulated-2"
    assert answer["3"] is None
    # One that had started when its engine lost it does not run again.
    gone = engine.attach([Attachment(spec("9"), "a:waits:9", started=1.0)])
    assert gone == {"9": None}


def test_attempts_that_wait_run_on_an_engine_that_has_no_limit_any_more() -> None:
    pair = Pair(slots=1)
    handles = pair.submit(spec("1"), spec("2"))
    pair.engine.close(leave_running=True)
    pair.a = SimulatedEngine(pair.clock)
    engine = pair.again()
    answer = engine.attach([Attachment(spec("2"), handles[1])])
    assert answer == {"2": handles[1]}
    assert pair.kinds(handles[1:]) == ["Pending"]
    assert pair.kinds(handles[1:]) == ["Running"]


def test_an_end_of_the_service_ends_what_waits() -> None:
    pair = Pair(slots=1)
    handles = pair.submit(spec("1"), spec("2"))
    pair.engine.close()
    assert isinstance(pair.engine.status(handles)[handles[1]], Lost)
    assert pair.a.submitted == 1


class Moody(SimulatedEngine):
    """Raises an error in each method that is named in ``moods``."""

    moods: frozenset[str] = frozenset()

    def _check(self, name: str) -> None:
        if name in self.moods:
            raise RuntimeError(f"no {name} today")

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        self._check("status")
        return super().status(handles)

    def cancel(self, handles: Collection[Handle]) -> None:
        self._check("cancel")
        super().cancel(handles)

    def forget(self, handles: Collection[Handle]) -> None:
        self._check("forget")
        super().forget(handles)

    def close(self, leave_running: bool = False) -> None:
        self._check("close")
        super().close(leave_running)


def test_an_engine_that_raises_does_not_affect_the_other() -> None:
    clock = SimulatedClock()
    first, second = Moody(clock, slots=5), SimulatedEngine(clock, slots=5)
    engine = MixedEngine({"a": first, "b": second}, TYPES)
    engine.attach([])
    handles = [
        answer.handle
        for each in (spec("1"), spec("2", "b"))
        for answer in engine.submit([each])
        if isinstance(answer, Submitted)
    ]
    first.moods = frozenset({"status", "cancel", "forget", "close"})
    statuses = engine.status(handles)
    assert statuses[handles[0]] == Unknown("a: RuntimeError: no status today")
    assert isinstance(statuses[handles[1]], Running)
    with pytest.raises(RuntimeError, match="no cancel today"):
        engine.cancel(handles)
    assert isinstance(engine.status(handles)[handles[1]], Exited)
    with pytest.raises(RuntimeError, match="no forget today"):
        engine.forget(handles)
    assert isinstance(engine.status(handles)[handles[1]], Unknown)
    (other,) = engine.submit([spec("3", "b")])
    with pytest.raises(RuntimeError, match="no close today"):
        engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.submit([spec("4", "b")])
    assert isinstance(other, Submitted)


def test_attempts_that_wait_are_submitted_again_after_an_error() -> None:
    pair = Pair(slots=1)
    first, second = pair.submit(spec("1"), spec("2"))
    pair.clock.advance(61)
    pair.a.script.task().submit_raises(1)
    assert pair.kinds([first, second]) == ["Exited", "Pending"]
    status = pair.engine.status([second])[second]
    assert isinstance(status, Pending)
    assert status.reason == "a: ConnectionError: the simulated engine does not answer"
    assert pair.engine.next_poll() == 0 or pair.a.submitted == 2
    assert pair.kinds([second]) == ["Running"]


# -- in a service ----------------------------------------------------------------------------------


def mixed_job(count: int = 1) -> JobDescription:
    here = task("echo here; sleep 0.05", InstanceCount=count)
    there = task("echo there", InstanceCount=3)
    there.AutoCluster.InstanceType = "far"
    return job({"here": here, "there": there}, {"here": ["there"]})


FAR = [InstanceType("far", 4, 8, engine="simulated")]


def test_a_job_on_two_engines(tmp_path: Path) -> None:
    with (
        LocalService(
            tmp_path / "data",
            engine="local,simulated",
            engine_options={"simulated": {"seconds": 0.1}},
            types=FAR,
            slots=2,
        ) as service,
        service.client() as client,
    ):
        created = client.create_job(mixed_job(6)).Id or ""
        finish(client, created)
        assert output(service, client, created, "here", 5) == "here\n"
        assert {instance.NodeIp for instance in client.list_instances(created, "there")} == {"node-1"}
        assert client.list_attempts(created, "here", 0)[0].NodeIp == "127.0.0.1"


def test_a_restart_with_attempts_of_two_engines(tmp_path: Path) -> None:
    with ExitStack() as stack:
        service = stack.enter_context(
            LocalService(
                tmp_path / "data",
                engine="local,simulated",
                engine_options={"simulated": {"seconds": 600}},
                types=FAR,
                slots=2,
                detach=True,
            )
        )
        client = stack.enter_context(service.client())
        near = task(f"while ! test -e {tmp_path}/go; do sleep 0.05; done; echo done >> {tmp_path}/ran")
        there = task("x")
        there.AutoCluster.InstanceType = "far"
        created = client.create_job(job({"near": near, "there": there})).Id or ""
        until(lambda: client.get_job(created).TaskMetrics.RunningCount == 2)
    # The program of this machine has run on; the simulated attempt is gone with its service, and is repeated.
    (tmp_path / "go").touch()
    with (
        LocalService(
            tmp_path / "data",
            engine="local,simulated",
            engine_options={"simulated": {"seconds": 0.1}},
            types=FAR,
            slots=2,
        ) as service,
        service.client() as client,
    ):
        finish(client, created)
        assert (tmp_path / "ran").read_text() == "done\n"
        assert [attempt.State for attempt in client.list_attempts(created, "near", 0)] == ["Finished"]
        assert [attempt.State for attempt in client.list_attempts(created, "there", 0)] == [
            "Lost",
            "Finished",
        ]

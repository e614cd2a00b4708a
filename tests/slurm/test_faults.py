"""Faults of a real cluster: nodes, controllers, services, commands and directories that fail."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batchcompute.runner.attempt_spec import Resources
from batchcompute.service.engines.base import Exited, Lost, Pending, Rejected, Running, Unknown
from batchcompute.service.engines.slurm import SlurmEngine
from tests.service.helpers import carrying as processes_of
from tests.slurm.cluster import Cluster, carrying, running_cluster, wait_until
from tests.slurm.engines import SETUP, make_engine
from tests.slurm.fleet import Fleet

pytestmark = pytest.mark.long

Make = Callable[..., SlurmEngine]


@pytest.fixture
def make(cluster: Cluster, tmp_path: Path) -> Iterator[Make]:
    """Makes engines of one service, one after the other."""
    engines: list[SlurmEngine] = []

    def make_next(**options: Any) -> SlurmEngine:
        engines.append(make_engine(cluster, tmp_path / "shared", tmp_path / "data", **options))
        return engines[-1]

    yield make_next
    for engine in reversed(engines):
        engine.close()
        break
    for engine in engines:
        engine.stop_thread()


def started(make: Make, tmp_path: Path, **options: Any) -> Fleet:
    engine = make(**options)
    engine.attach([])
    return Fleet(engine, tmp_path)


def states(fleet: Fleet, kind: type) -> int:
    return sum(isinstance(status, kind) for status in fleet.engine.status(list(fleet.open)).values())


def reason_of(fleet: Fleet, handle: str) -> str:
    return getattr(fleet.engine.status([handle])[handle], "reason", "")


def after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def test_10000_instances(make: Make, tmp_path: Path) -> None:
    fleet = started(make, tmp_path, slots=10_000)
    fleet.submit(10_000)
    fleet.run(300)
    fleet.check(10_000)
    assert not fleet.losses
    wait_until(lambda: not list((tmp_path / "shared").rglob("records-*")), "all files are removed", 10)


def test_a_killed_controller_loses_and_doubles_nothing(make: Make, tmp_path: Path, cluster: Cluster) -> None:
    chance = random.Random(7)
    fleet = started(make, tmp_path, pack=4, grace=4)
    total = 0
    for delay in (0.05, 1.5, chance.uniform(0.2, 3)):
        fleet.submit(24, "sleep 0.3", total)
        total += 24
        fleet.run(delay, until=after(delay))
        cluster.restart_controller()
        wait_until(lambda: cluster.run("sinfo", check=False).returncode == 0, "the controller is back")
        for node in ("n1", "n2"):
            # Slurm drains a node whose ids were handed out twice. An administrator puts it back.
            cluster.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)
    fleet.run(180)
    fleet.check(total)


def test_a_lost_attempt_is_ended_although_slurm_has_forgotten_it(
    make: Make, tmp_path: Path, cluster: Cluster
) -> None:
    """After a crash, Slurm forgets a job that it has accepted, and the job runs on."""
    fleet = started(make, tmp_path, pack=1, grace=3)
    fleet.send([fleet.spec(0, "sleep 60")])
    fleet.run(20, until=lambda: states(fleet, Running) == 1)
    (first,) = fleet.open
    assert processes_of(first)
    (status,) = fleet.engine.status([first]).values()
    assert isinstance(status, Running)
    # The daemon of the node would end a job that the controller does not know.
    cluster.kill(status.node)
    cluster.kill("slurmctld")
    for path in (cluster.directory / "state").iterdir():
        if path.is_file():
            path.unlink()
    cluster.start_controller("-c")
    fleet.run(60, until=lambda: bool(fleet.losses))
    assert "vanished" in fleet.losses[0][1].reason
    wait_until(lambda: not processes_of(first), "the forgotten attempt has ended", 10)
    cluster.start_node(status.node)
    (second,) = fleet.open
    fleet.run(60, until=lambda: states(fleet, Running) == 1)
    assert processes_of(second)
    fleet.engine.cancel([second])
    wait_until(lambda: not processes_of(second), "no process is left")
    fleet.engine.forget([second])


def test_a_lost_node_is_no_failure(make: Make, tmp_path: Path, cluster: Cluster) -> None:
    fleet = started(make, tmp_path, pack=1)
    fleet.submit(40, f"sleep 1.5; test -e {tmp_path}/go || sleep 60")
    fleet.run(30, until=lambda: states(fleet, Running) == 40)
    try:
        cluster.kill_node("n1")
        (tmp_path / "go").touch()
        cluster.run("scontrol", "update", "nodename=n1", "state=down", "reason=lost")
        fleet.run(60, until=lambda: bool(fleet.losses))
        # Those that sleep on the other node are ended, and nothing is repeated that was not lost.
        assert all("NODE_FAIL" in lost.reason for _, lost in fleet.losses)
        assert 1 <= len(fleet.losses) <= 32
        # The others of the node are lost at the same time.
        alive = [handle for handle, status in fleet.engine.status(list(fleet.open)).items()
                 if isinstance(status, Running) and status.node == "n1"]  # fmt: skip
        assert not alive
    finally:
        cluster.start_node("n1")


def test_a_node_that_loses_one_job_after_the_other_is_excluded(
    make: Make, tmp_path: Path, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    broken = 'test "$SLURMD_NODENAME" = n1 && { echo python is broken >&2; exit 1; }'
    fleet = started(
        make, tmp_path, pack=1, grace=1, exclude_after=3, exclude_seconds=600, setup=f"{SETUP}\n{broken}"
    )
    with caplog.at_level(logging.WARNING):
        fleet.submit(12)
        fleet.run(60)
    fleet.check(12)
    assert all("(Slurm job" in lost.reason and "on n1" in lost.reason for _, lost in fleet.losses)
    assert any(
        "the log of the runners ends with 'python is broken'" in lost.reason for _, lost in fleet.losses
    )
    assert any("is excluded for 600 seconds" in lost.reason for _, lost in fleet.losses)
    assert "node n1 has lost 3 Slurm jobs in a row, and is excluded for 600 seconds" in caplog.text
    assert all(end.node == "n2" for end in fleet.ends.values() if isinstance(end, Exited))


@pytest.mark.parametrize("lose_handles", [False, True])
def test_a_service_is_replaced_with_work_in_flight(make: Make, tmp_path: Path, lose_handles: bool) -> None:
    fleet = started(make, tmp_path, pack=5)
    for part in range(3):
        fleet.submit(30, "sleep 0.4", part * 30)
        pause = random.Random(part).uniform(0, 1.6)
        fleet.run(pause + 1, until=after(pause))
        fleet.engine.stop_thread()
        fleet.replace_engine(make(pack=5), lose_handles=lose_handles)
    fleet.run(90)
    fleet.check(90)
    assert not fleet.losses


def test_attempts_that_the_next_service_does_not_need_are_ended(make: Make, tmp_path: Path) -> None:
    fleet = started(make, tmp_path, pack=2)
    mark = f"stranger-{tmp_path.name}"
    fleet.send([fleet.spec(number, f"sleep 60; exit 3; : {mark}") for number in range(4)])
    fleet.run(20, until=lambda: states(fleet, Running) == 2)
    fleet.engine.stop_thread()
    # The first of the first element, which the service still needs, and nothing of the second element.
    kept = next(iter(fleet.open.items()))
    fleet.open = dict([kept])
    fleet.replace_engine(make(pack=2))
    wait_until(lambda: 1 <= len(carrying(mark)) <= 2, "only one attempt runs")
    assert list(fleet.engine.status([kept[0]]))
    assert states(fleet, Running) == 1
    fleet.engine.cancel([kept[0]])
    wait_until(lambda: not carrying(mark), "no attempt runs")


def test_one_of_several_attempts_of_an_element_is_cancelled(make: Make, tmp_path: Path) -> None:
    fleet = started(make, tmp_path, pack=3)
    mark = f"cancelled-{tmp_path.name}"
    daemon = f"(setsid sh -c 'sleep 60; : {mark}' >/dev/null 2>&1 &)"
    fleet.send(
        [
            fleet.spec(0, f"{daemon}; sleep 60; : {mark}"),
            fleet.spec(1, "exit 1"),
            fleet.spec(2, f"touch {tmp_path}/no"),
        ]
    )
    first, _, third = list(fleet.open)
    fleet.run(20, until=lambda: states(fleet, Running) == 1)
    fleet.engine.cancel([first, third])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        statuses = dict(fleet.engine.status(list(fleet.open)))
        if all(isinstance(status, (Exited, Lost)) for status in statuses.values()):
            break
        time.sleep(0.05)
    ends = list(statuses.values())
    assert isinstance(ends[0], Exited)
    assert ends[0].outcome.failed
    assert isinstance(ends[1], Exited)
    assert ends[1].code == 1
    assert isinstance(ends[2], Lost)
    assert ends[2].reason.startswith("it was cancelled")
    assert not carrying(mark)
    assert not (tmp_path / "no").exists()
    fleet.engine.forget(list(fleet.open))


def test_slurm_does_not_answer_for_a_while(make: Make, tmp_path: Path, cluster: Cluster) -> None:
    """Nothing is known and nothing is repeated. A submission without an answer is found by its name later."""
    fleet = started(make, tmp_path, pack=2, command_timeout=1)
    fleet.submit(6, "sleep 2")
    fleet.run(20, until=lambda: states(fleet, Running) > 0)
    with cluster.paused("slurmctld"):
        fleet.run(30, until=lambda: states(fleet, Unknown) > 0)
        unknown = [s for s in fleet.engine.status(list(fleet.open)).values() if isinstance(s, Unknown)]
        assert unknown[0].reason == "Slurm does not answer: squeue does not answer within 1 seconds"
        fleet.submit(6, "", 6)
        late = list(fleet.open)[-1]
        fleet.run(30, until=lambda: fleet.engine._state.attempts[late].element is not None)
        assert not fleet.engine._state.attempts[late].element.array.job  # type: ignore[union-attr]
    fleet.run(60)
    fleet.check(12)
    assert not fleet.losses


def test_attempts_wait_in_the_engine_while_there_is_no_controller(
    make: Make, tmp_path: Path, cluster: Cluster
) -> None:
    fleet = started(make, tmp_path, pack=2)
    cluster.kill("slurmctld")
    try:
        fleet.submit(10)
        handle = next(iter(fleet.open))
        fleet.run(30, until=lambda: "Slurm accepts no jobs" in reason_of(fleet, handle))
        assert isinstance(fleet.engine.status([handle])[handle], Pending)
    finally:
        cluster.start_controller()
    fleet.run(60)
    fleet.check(10)
    assert not fleet.losses


def test_a_directory_that_cannot_be_written(make: Make, tmp_path: Path) -> None:
    fleet = started(make, tmp_path, pack=2)
    folder = next((tmp_path / "shared").iterdir())
    moved = tmp_path / "moved"
    folder.rename(moved)
    folder.write_text("no directory")
    fleet.submit(6)
    handle = next(iter(fleet.open))
    fleet.run(20, until=lambda: "cannot be written" in reason_of(fleet, handle))
    assert isinstance(fleet.engine.status([handle])[handle], Pending)
    folder.unlink()
    moved.rename(folder)
    fleet.run(30)
    fleet.check(6)


def test_a_runner_whose_specifications_do_not_arrive_is_lost(make: Make, tmp_path: Path) -> None:
    fleet = started(make, tmp_path, pack=1, wait=1, grace=1)
    engine = fleet.engine
    write = engine._state.files.write

    def write_without_file(array: str, elements: object) -> None:
        write(array, elements)  # type: ignore[arg-type]
        (Path(engine._state.files.folder(array)) / "specs-0.json").unlink()
        engine._state.files.write = write  # type: ignore[method-assign]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            type(engine._state.files), "write", lambda _, array, elements: write_without_file(array, elements)
        )
        fleet.submit(2)
        fleet.run(20, until=lambda: states(fleet, Running) + len(fleet.ends) > 0)
    fleet.run(40)
    fleet.check(2)
    assert "has started no program" in fleet.losses[0][1].reason
    assert "do not exist" in fleet.losses[0][1].reason


def test_held_and_refused_jobs(make: Make, tmp_path: Path, cluster: Cluster) -> None:
    options = {
        "held": {"sbatch": ["--hold"]},
        "short": {"partition": "short"},
        "account": {"constraint": "unknown-feature"},
        "shut": {"partition": "shut"},
    }
    fleet = started(make, tmp_path, pack=1, types=options, held_grace=2)
    kinds = ["held", "short", "account", "shut"]
    fleet.send(
        [fleet.spec(number, "exit 0", instance_type=kind, task=kind) for number, kind in enumerate(kinds)]
    )
    fleet.send(
        [
            fleet.spec(4, "exit 0", resources=Resources(33)),
            fleet.spec(5, "exit 0", resources=Resources(1, 10_000)),
        ]
    )
    fleet.run(20, until=lambda: {1, 2, 4, 5} <= set(fleet.ends))
    assert isinstance(fleet.ends[1], Exited)
    refusals = {number: end.reason for number, end in fleet.ends.items() if isinstance(end, Rejected)}
    assert "nvalid feature" in refusals[2]
    assert refusals[4].startswith("it needs 33 CPUs, and no node of the default partition has that")
    assert refusals[5].startswith("it needs 1 CPU and 10000 MiB of memory")
    shut = next(handle for handle, spec in fleet.open.items() if spec.task == "shut")
    fleet.run(10, until=lambda: "PartitionDown" in reason_of(fleet, shut))
    fleet.run(20, until=lambda: bool(fleet.losses))
    assert "was held for more than 2 seconds (JobHeld" in fleet.losses[0][1].reason
    fleet.engine.cancel(list(fleet.open))
    wait_until(lambda: states(fleet, Lost) == len(fleet.open), "all are cancelled")


def test_slurm_is_asked_once_a_second(make: Make, tmp_path: Path) -> None:
    fleet = started(make, tmp_path, pack=1)
    fleet.submit(40, "sleep 1")
    commands = fleet.engine._state.commands
    before, began = commands.calls, time.monotonic()
    fleet.run(60)
    # One `sbatch`, and one `squeue` a second.
    assert commands.calls - before <= 3 + (time.monotonic() - began)


def test_arrays_are_cut_at_the_limit_of_the_site(tmp_path: Path) -> None:
    with running_cluster(tmp_path / "cluster", max_array=8) as cluster:
        engine = make_engine(cluster, tmp_path / "shared", tmp_path / "data", pack=2)
        engine.attach([])
        fleet = Fleet(engine, tmp_path)
        fleet.submit(50)
        fleet.run(60)
        fleet.check(50)
        assert not fleet.losses
        engine.close()
        log = (cluster.directory / "log" / "slurmctld.log").read_text()
        assert log.count("_slurm_rpc_submit_batch_job: JobId=") == 4

"""Faults of a real Dask cluster: workers and schedulers that die, programs that hide, services that come back."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from batchcompute.service.engines.base import Attachment, Exited, Lost, Running, Unknown
from batchcompute.service.engines.dask.engine import DaskEngine

from .cluster import DaskCluster, is_alive, processes_with
from .helpers import DaskHarness, until

Harness = DaskHarness


@pytest.fixture
def harness(cluster: DaskCluster) -> Iterator[DaskHarness]:
    harness = DaskHarness()
    harness.setup_method()
    yield harness
    harness.teardown_method()


def marker() -> str:
    return f"31{uuid.uuid4().int % 10**6:06d}"


def counted(folder: Path, rest: str) -> str:
    """Return a command that notes that it was started."""
    return f"echo >> {folder}/starts; {rest}"


def starts(folder: Path) -> int:
    path = folder / "starts"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_the_program_of_a_killed_worker_is_ended_and_the_attempt_is_lost_once(
    harness: DaskHarness, tmp_path: Path
) -> None:
    mark = marker()
    # A daemonised grandchild leaves the process group and the session.
    daemon = f"(setsid sh -c 'sleep {mark} & sleep {mark}' >/dev/null 2>&1 &)"
    handle = harness.submit(harness.spec(counted(tmp_path, f"{daemon}; sleep {mark}")))[0]
    harness.runs(handle)
    until(lambda: len(processes_with(f"sleep {mark}")) >= 3, "the grandchildren run")
    harness.lose(handle)
    status = harness.ends([handle])[0]
    assert isinstance(status, Lost)
    assert "worker" in status.reason
    until(lambda: not processes_with(f"sleep {mark}"), "the new worker has ended the programs of the old one")
    assert starts(tmp_path) == 1, "Dask did not run it again"
    harness.cluster.wait()


def test_a_daemonised_grandchild_does_not_outlive_a_cancellation(harness: DaskHarness) -> None:
    mark = marker()
    handle = harness.submit(harness.spec(f"(setsid sh -c 'sleep {mark}' >/dev/null 2>&1 &); sleep {mark}"))[0]
    harness.runs(handle)
    until(lambda: len(processes_with(f"sleep {mark}")) >= 2, "the grandchild runs")
    harness.engine.cancel([handle])
    harness.has_stopped(handle)
    assert not processes_with(f"sleep {mark}")


def test_a_token_that_a_new_service_submits_again_is_not_run_again(
    harness: DaskHarness, tmp_path: Path
) -> None:
    ended = harness.spec(counted(tmp_path, "exit 3"))
    handle = harness.submit(ended)[0]
    assert harness.end_of(handle).code == 3
    harness.restart()
    # The service does not attach it, and submits it again, as after the loss of its database's last transactions.
    engine = cast("DaskEngine", harness.engine)
    engine.attach([Attachment(ended, "")])
    assert harness.end_of(harness.submit(ended)[0]).code == 3
    assert starts(tmp_path) == 1


def test_cancelled_attempts_that_wait_never_start(harness: DaskHarness, tmp_path: Path) -> None:
    blockers = harness.submit(*(harness.spec("sleep 300") for _ in range(8)))
    for handle in blockers:
        harness.runs(handle)
    waiting = harness.submit(*(harness.spec(counted(tmp_path, "exit 0")) for _ in range(4)))
    until(lambda: not cast("DaskEngine", harness.engine)._state.new, "they are submitted")
    harness.engine.cancel(waiting)
    for handle in waiting:
        harness.has_stopped(handle)
    harness.engine.cancel(blockers)
    for handle in blockers:
        harness.has_stopped(handle)
    assert starts(tmp_path) == 0


@pytest.mark.long
def test_workers_that_stop_responding_are_no_reason_to_block_the_service(harness: DaskHarness) -> None:
    handle = harness.submit(harness.spec("sleep 300"))[0]
    harness.runs(handle)
    pid = harness.worker_pid(handle)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        harness.engine.cancel([handle])
        harness.statuses([handle])
        harness.engine.submit([harness.spec("exit 0")])
        assert time.monotonic() - began < 0.5
    finally:
        os.kill(pid, signal.SIGCONT)
    harness.has_stopped(handle)


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path, workers=1, threads=2)
    before = getattr(DaskHarness, "cluster", None)
    try:
        cluster.wait()
        DaskHarness.cluster = cluster
        yield cluster
    finally:
        cluster.close()
        if before is not None:
            DaskHarness.cluster = before


@pytest.mark.long
def test_a_scheduler_that_dies_and_comes_back(own_cluster: DaskCluster, tmp_path: Path) -> None:
    harness = DaskHarness()
    harness.setup_method()
    try:
        mark = marker()
        done = harness.submit(harness.spec("exit 4"))[0]
        assert harness.end_of(done).code == 4
        running = harness.submit(harness.spec(f"sleep {mark}"), harness.spec(f"sleep {mark}"))
        for handle in running:
            harness.runs(handle)
        waiting = harness.submit(*(harness.spec(counted(tmp_path, "exit 6")) for _ in range(2)))
        until(lambda: not cast("DaskEngine", harness.engine)._state.new, "they are submitted")
        own_cluster.kill_scheduler()
        harness.until([waiting[0]], lambda status: isinstance(status, Unknown), "unknown")
        assert harness.status(done) == Exited(4) or isinstance(harness.status(done), Exited)
        own_cluster.start_scheduler()
        own_cluster.add_worker()
        # Those that had not started run once, and those that ran are lost or have run to their end.
        for handle in waiting:
            assert harness.end_of(handle).code == 6
        for handle in running:
            status = harness.ends([handle])[0]
            assert isinstance(status, Lost)
        until(lambda: not processes_with(f"sleep {mark}"), "no program of the lost attempts runs on")
        assert starts(tmp_path) == 2
    finally:
        harness.teardown_method()


@pytest.mark.long
def test_a_killed_service_finds_running_waiting_and_ended_attempts(
    harness: DaskHarness, tmp_path: Path
) -> None:
    blockers = [harness.spec(f"sleep 1; exit {code}") for code in range(1, 9)]
    waiting = [harness.spec(counted(tmp_path, "exit 9")) for _ in range(3)]
    handles = harness.submit(*blockers)
    for handle in handles:
        harness.runs(handle)
    harness.submit(*waiting)
    until(lambda: not cast("DaskEngine", harness.engine)._state.new, "they are submitted")
    strangers = processes_with("sleep 1")
    harness.engine = harness.crashed(harness.engine)
    harness._seen.clear()
    specs = [*blockers, *waiting]
    answer = harness.engine.attach([Attachment(spec, "") for spec in specs])
    assert answer == {spec.token: spec.token for spec in specs}
    codes = [harness.end_of(spec.token).code for spec in specs]
    assert codes == [*range(1, 9), 9, 9, 9]
    assert starts(tmp_path) == 3
    assert not any(is_alive(pid) for pid in strangers)


def test_attempts_that_the_next_service_does_not_know_are_ended(harness: DaskHarness) -> None:
    mark = marker()
    handle = harness.submit(harness.spec(f"sleep {mark}"))[0]
    assert isinstance(harness.runs(handle), Running)
    harness.engine = harness.crashed(harness.engine)
    harness.engine.attach([])
    until(lambda: not processes_with(f"sleep {mark}"), "the program is ended")

"""Large jobs, directories and uploads are processed in steps, are visible as a whole, and survive a kill."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchcompute.cli import main
from batchcompute.resources import JobDescription
from batchcompute.runner.rooted import Root
from batchcompute.service import LocalService
from batchcompute.service.objects.base import Page, Stat, page_of
from batchcompute.service.objects.directory import DirectoryStore
from batchcompute.service.store import large_jobs
from tests.service.helpers import connection, finish, job, task, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


def big(count: int, command: str = "sleep 1000", **fields: Any) -> JobDescription:
    return JobDescription(
        {"Name": "big", "DAG": {"Tasks": {"t": task(command, InstanceCount=count)}}, **fields}
    )


def held(service: LocalService, action: Callable[[], Any]) -> tuple[Any, int]:
    """Do something; return its result, and how often others got the database meanwhile."""
    turns = 0
    over = threading.Event()

    def ask() -> None:
        nonlocal turns
        while not over.is_set():
            with connection(service._parts.store.read()) as db:
                db.execute("SELECT 1").fetchone()
            turns += 1
            time.sleep(0.001)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        return action(), turns
    finally:
        over.set()
        thread.join()


def test_other_requests_are_answered_during_a_large_create(tmp_path: Path) -> None:
    count = 60_000
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        made, turns = held(service, lambda: client.create_job(big(count)))
        assert turns > 5
        assert client.get_job(made).InstanceMetrics.WaitingCount + 1 >= count
        client.stop_job(made)
        # All instances are shown as stopped at once; their rows follow in steps.
        assert client.get_instance(made, "t", count - 1).State == "Stopped"
        page = client.list_instances(made, "t", state="Stopped", max_item_count=100)
        assert len(page.Items) == 100
        assert not client.list_instances(made, "t", state="Waiting").Items
        until(lambda: _count(service, "state = 'Waiting'") == 0)
        _, turns = held(service, lambda: client.start_job(made))
        assert turns > 5
        assert _count(service, "state = 'Stopped'") == 0
        client.stop_job(made)
        client.delete_job(made)
        assert list(client.iter_jobs()) == []
        until(lambda: _count(service) == 0)
        until(lambda: _count(service, table="jobs") == 0)


def _count(service: LocalService, where: str = "1", table: str = "instances") -> int:
    with connection(service._parts.store.read()) as db:
        return int(db.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()[0])


def test_concurrent_creates_with_one_token_make_one_job(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        ids: list[str] = []
        threads = [
            threading.Thread(target=lambda: ids.append(client.create_job(big(20_000), "same").Id))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(ids)) == 1
        assert [found.Id for found in client.iter_jobs()] == ids[:1]
        until(lambda: _count(service) == 20_000)
        client.stop_job(ids[0])


def test_a_large_job_fails_and_another_one_is_deleted_by_auto_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_jobs, "STEP", 20)
    with LocalService(tmp_path / "d", slots=2) as service, service.client() as client:
        failing = client.create_job(big(300, "exit 1")).Id
        finish(client, failing, "Failed")
        metrics = client.get_job(failing).InstanceMetrics
        assert metrics.FailedCount >= 1
        assert metrics.FailedCount + metrics.FinishedCount + metrics.StoppedCount == 300
        until(lambda: _count(service, "state = 'Waiting'") == 0)
        assert _count(service, "state = 'Stopped'") == metrics.StoppedCount
        released = client.create_job(big(100, "true", AutoRelease=True)).Id
        until(lambda: released not in [found.Id for found in client.iter_jobs()])
        until(lambda: _count(service) == 300)


@pytest.mark.parametrize("when", ["create", "remove", "settle"])
def test_a_large_job_is_complete_or_absent_after_a_kill(tmp_path: Path, when: str) -> None:
    """The next start removes an incomplete job, and resumes unfinished steps."""
    code = f"""
import os, sys, threading
from batchcompute.service import LocalService
from batchcompute.service.store import large_jobs
from batchcompute.service.store.jobs import JobRepository
place, name = (JobRepository, "insert_instances") if {when!r} == "create" else (large_jobs, {when!r})
real, calls = getattr(place, name), []
def counted(*args):
    calls.append(1)
    if place is large_jobs:
        service._parts.store.write = killed(service._parts.store.write)
    elif len(calls) == 5:
        os._exit(9)
    return real(*args)
def killed(write):
    turns = []
    def wrapped():
        turns.append(1)
        if len(turns) == 3:
            os._exit(9)
        return write()
    return wrapped
setattr(place, name, counted)
from tests.service.test_large import big
service = LocalService({str(tmp_path / "d")!r}, slots=1)
client = service.client()
made = client.create_job(big(20_000))
print(made.Id, flush=True)
client.stop_job(made)
if {when!r} == "remove":
    while client.list_instances(made, "t", state="Waiting").Items: pass
    client.delete_job(made)
threading.Event().wait(60)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=100,
    )
    assert done.returncode == 9, done
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        if when == "settle":
            until(lambda: _count(service, "state = 'Waiting'") == 0)
            assert client.get_job(done.stdout.strip()).InstanceMetrics.StoppedCount == 20_000
        else:
            assert list(client.iter_jobs()) == []
            until(lambda: _count(service) == 0)


# -- lists ----------------------------------------------------------------------------------------

KEYS = st.lists(
    st.text(st.sampled_from("ab/-.%é~"), min_size=1, max_size=6).filter(
        lambda key: not {".", ".."} & set(key.split("/"))
    ),
    max_size=12,
    unique=True,
)


@given(
    KEYS,
    st.sampled_from(["", "a", "a/", "b", "a/b", "%"]),
    st.sampled_from(["", "/", "-", "b"]),
    st.integers(1, 4),
)
@settings(max_examples=150, deadline=None)
def test_pages_of_a_listing_hold_each_key_once(
    keys: list[str], prefix: str, delimiter: str, most: int
) -> None:
    """A lazy walk and a complete listing return the same pages."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="pages-"))
    store = DirectoryStore(folder / "oss")
    try:
        there: list[tuple[str, Stat]] = []
        for key in keys:
            try:
                stat_of = store.write(f"oss://bucket/{key}", [] if key.endswith("/") else [b"x"])
            except OSError:
                # Another object needs this path as a directory.
                continue
            there = [
                (name, found) for name, found in there if not key.startswith(name) or not name.endswith("/")
            ]
            if not any(name.startswith(key) for name, _ in there if key.endswith("/")):
                there.append((key, stat_of))
        after = ""
        for _ in range(40):
            page = store.page("bucket", prefix, delimiter, after, most)
            wanted = page_of(there, prefix, delimiter, after, most)
            assert [name for name, _ in page.items] == [name for name, _ in wanted.items]
            assert page.more == wanted.more
            if not page.more:
                break
            after = page.items[-1][0]
        assert not page.more
    finally:
        store.close()
        shutil.rmtree(folder)


def test_a_page_of_a_listing_opens_few_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore(tmp_path / "oss")
    for folder in range(30):
        for number in range(30):
            path = tmp_path / "oss" / "bucket" / f"d{folder:02}" / f"{number:02}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    opened: list[Any] = []
    real = Root.folder

    def folder_of(self: Root, parts: Any, make: int = 0) -> Any:
        opened.append(parts)
        return real(self, parts, make)

    monkeypatch.setattr(Root, "folder", folder_of)
    page = store.page("bucket", "", "", "d15/10", 5)
    assert [name for name, _ in page.items] == [f"d15/{number}" for number in range(11, 16)]
    assert page.more
    assert len(opened) < 10
    opened.clear()
    page = store.page("bucket", "", "/", "", 100)
    assert len(page.items) == 30
    assert len(opened) < 5
    assert store.page("bucket", "d29/", "", "d29/28", 5) == Page(
        [("d29/29", store.stat("oss://bucket/d29/29"))], False
    )
    # Changes are visible at once.
    (tmp_path / "oss" / "bucket" / "d00" / "new").touch()
    assert "d00/new" in [name for name, _ in store.page("bucket", "d00/", "", "", 100).items]
    store.close()


# -- growth ---------------------------------------------------------------------------------------


def test_old_jobs_and_tokens_are_removed_by_trim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "d"
    with LocalService(directory, slots=1) as service, service.client() as client:
        made = task("exit 1")
        made.AutoCluster.ReserveOnFail = True
        old = client.create_job(job({"t": made}), "old").Id
        finish(client, old, "Failed")
        new = client.create_job(big(10_000)).Id
        with connection(service._parts.store.write()) as db:
            db.execute("UPDATE jobs SET ended = '2020-01-01T00:00:00.000000Z' WHERE id = ?", (old,))
            db.execute("UPDATE tokens SET used = '2020-01-01T00:00:00.000000Z'")
        # A server may be running.
        assert main(["trim", "--data-dir", str(directory), "--days", "30"]) == 0
        assert "1 jobs and 2 tokens" in capsys.readouterr().out
        assert [found.Id for found in client.iter_jobs()] == [new]
        assert list((directory / "kept").iterdir()) == []
        client.stop_job(new)
    assert main(["trim", "--data-dir", str(directory), "--days", "-1"]) == 2
    assert main(["trim", "--data-dir", str(tmp_path / "none")]) == 2


def test_files_of_interrupted_uploads_are_removed(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    with LocalService(directory) as service:
        uploads = service._parts.object_api.uploads
        service.objects.write("oss://bucket/x", [b"x"])
        (directory / "oss" / ".aside" / "cut").write_text("x")
        (directory / "uploads" / ".spool" / "cut").write_text("x")
        stale = directory / "uploads" / ("A" * 32)
        stale.mkdir()
        (stale / "place").write_text("bucket/k")
        os.utime(stale, (0, 0))
        assert uploads.trim() == 1
    with LocalService(directory) as service:
        assert list((directory / "oss" / ".aside").iterdir()) == []
        assert list((directory / "uploads" / ".spool").iterdir()) == []
        assert [path.name for path in (directory / "oss").iterdir() if path.name[0] != "."] == ["bucket"]
        assert stat.S_IMODE((directory / "oss" / "bucket" / "x").stat().st_mode) == 0o700

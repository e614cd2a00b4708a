"""Full disks, damaged files, clocks that jump, and programs that behave badly: each has a defined outcome."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from batchcompute import LOCAL, Client, ClientError, ConfigError, RetryPolicy
from batchcompute.service import LocalService
from batchcompute.service.clock import SystemClock
from batchcompute.service.transports.in_process import ServiceTransport
from tests.service.helpers import carrying, finish, job, output, remains, task, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for what is left running")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of eight megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Write until the disk is full."""
    file = place / "ballast"
    with file.open("wb", buffering=0) as stream:
        for size in (65536, 1):
            try:
                while True:
                    stream.write(b"x" * size)
            except OSError:
                continue
    return file


def test_a_full_disk_fails_requests_clearly_and_passes(small_disk: Path) -> None:
    with LocalService(small_disk / "data", slots=2) as service:
        service.add_key("id", "secret")
        client = Client(LOCAL, "id", "secret", retry=RetryPolicy(attempts=1))
        client._use(ServiceTransport(service))
        with client:
            first = client.create_job(job("true")).Id
            finish(client, first)
            flag = small_disk / "flag"
            running = client.create_job(job(f"until [ -e {flag} ]; do sleep 0.02; done")).Id
            until(lambda: client.get_job(running).State == "Running")
            flag_place = small_disk.parent / "flag"
            ballast = fill(small_disk)
            refused = 0
            for _ in range(400):
                try:
                    client.create_job(job("true", Description="x" * 5000))
                except ClientError as error:
                    assert error.status == 500
                    assert "full" in error.msg
                    refused += 1
                    break
            assert refused
            # Every acknowledged change can be read, and nothing else was changed.
            assert client.get_job(first).State == "Finished"
            ballast.unlink()
            assert not flag_place.exists()
            flag.touch()
            finish(client, running)
            finish(client, client.create_job(job("true")).Id)
            for found in client.iter_jobs():
                client.wait(found, timeout=20)


def test_a_program_that_fills_the_disk_fails_and_others_do_not(small_disk: Path, tmp_path: Path) -> None:
    with LocalService(small_disk / "data", slots=2) as service, service.client() as client:
        greedy = task(
            "head -c 50000000 /dev/zero > big 2> /dev/null && exit; rm big; echo no room >&2; exit 7"
        )
        greedy.Parameters.StdoutRedirectPath = ""
        job_id = client.create_job(job({"t": greedy})).Id
        finish(client, job_id, "Failed")
        found = client.get_instance(job_id, "t", 0).Result
        assert found.ExitCode == 7
        assert "no room" in found.detail_text
        finish(client, client.create_job(job("true")).Id)


def test_the_exit_code_survives_an_exit_file_that_cannot_be_written(small_disk: Path) -> None:
    with LocalService(small_disk / "data", slots=1) as service, service.client() as client:
        ballast = small_disk / "ballast"
        go = small_disk.parent / "go"
        made = task(f"until [ -e {go} ]; do sleep 0.02; done; echo $BATCH_COMPUTE_DAG_JOB_ID")
        job_id = client.create_job(job({"t": made})).Id
        until(lambda: client.get_instance(job_id, "t", 0).State == "Running")
        fill(small_disk)
        go.touch()
        until(lambda: not carrying(job_id))
        time.sleep(0.2)  # The end cannot be recorded now, so there is no event to wait for.
        ballast.unlink()
        until(lambda: client.get_job(job_id).State in ("Finished", "Failed"))
        result = client.get_instance(job_id, "t", 0).Result
        # The parent process knows the exit code even without an exit file. The program itself failed to write its output.
        assert (result.ExitCode, result.ErrorCode) == (1, "ProgramFailed")


@pytest.mark.parametrize("damage", ["garbage", "cut"])
def test_a_damaged_database_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    with LocalService(tmp_path / "data") as service, service.client() as client:
        finish(client, client.create_job(job("true", Description="x" * 50000)).Id)
    file = tmp_path / "data" / "batchcompute.db"
    content = file.read_bytes()
    if damage == "garbage":
        file.write_bytes(b"garbage" * 1000)
    else:
        file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match=r"batchcompute\.db"):
        LocalService(tmp_path / "data")
    # The refused file was not changed: with the file restored, the jobs are listed again.
    file.write_bytes(content)
    for name in ("batchcompute.db-wal", "batchcompute.db-shm"):
        (tmp_path / "data" / name).unlink(missing_ok=True)
    with LocalService(tmp_path / "data") as service, service.client() as client:
        assert len(list(client.iter_jobs())) == 1


def test_a_data_directory_that_cannot_be_written_is_a_config_error(tmp_path: Path) -> None:
    if os.getuid() == 0:
        place = tmp_path / "place"
        place.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(place)], check=False).returncode:
            pytest.skip("mounting is not allowed here")
    else:
        place = tmp_path / "place"
        place.mkdir(mode=0o500)
    try:
        with pytest.raises(ConfigError, match="cannot be written"):
            LocalService(place / "data")
    finally:
        if os.getuid() == 0:
            subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("jump", ["-2 days", "+2 days"])
def test_a_clock_that_jumps_while_a_program_runs(tmp_path: Path, jump: str) -> None:
    """Time limits of running programs use a monotonic clock."""
    moments = {"-2 days": -2 * 86400, "+2 days": 2 * 86400}

    class Jumped(SystemClock):
        def time(self) -> float:
            return super().time() + moments[jump]

    with LocalService(tmp_path / "data", slots=2) as service, service.client() as client:
        flag = tmp_path / "flag"
        job_id = client.create_job(
            job({"t": task(f"until [ -e {flag} ]; do sleep 0.02; done", Timeout=60)})
        ).Id
        short = client.create_job(job({"t": task("sleep 30", Timeout=1)})).Id
        until(lambda: client.get_job(short).State == "Running")
        service._parts.dispatcher._clock = Jumped()
        finish(client, short, "Failed")
        assert client.get_instance(short, "t", 0).Result.ErrorCode == "Timeout"
        assert client.get_job(job_id).State == "Running"
        flag.touch()
        finish(client, job_id)


@pytest.mark.parametrize("started", ["2001-01-01T00:00:00.000000Z", "2100-01-01T00:00:00.000000Z"])
def test_a_clock_that_was_wrong_when_the_service_ended(tmp_path: Path, started: str) -> None:
    data, flag = tmp_path / "data", tmp_path / "flag"
    service = LocalService(data, slots=1, detach=True)
    with service.client() as client:
        job_id = client.create_job(
            job({"t": task(f"until [ -e {flag} ]; do sleep 0.02; done", Timeout=3000)})
        ).Id
        until(lambda: carrying(job_id))
    service.close()
    with closing(sqlite3.connect(data / "batchcompute.db", isolation_level=None)) as db:
        db.execute("UPDATE instances SET started = ?", (started,))
    seconds = datetime.fromisoformat(started).timestamp()
    for file in (data / "records").iterdir():
        file.write_bytes(re.sub(rb'"time":[0-9.]+', b'"time":%d' % seconds, file.read_bytes()))
    with LocalService(data, slots=1) as service, service.client() as client:
        if started < "2026":
            # By this clock, its time limit was reached long ago.
            finish(client, job_id, "Failed")
        else:
            assert client.get_job(job_id).State == "Running"
            flag.touch()
            finish(client, job_id)


def test_higher_priorities_start_before_fifty_thousand_waiting_instances(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=2) as service, service.client() as client:
        many = client.create_job(job({"t": task("sleep 600", InstanceCount=50_000)}, Priority=1)).Id
        until(lambda: client.get_job(many).InstanceMetrics.RunningCount == 2)
        assert client.get_job(many).InstanceMetrics.WaitingCount == 49_998
        first = client.create_job(job("true", Priority=9)).Id
        client.stop_job(many)
        finish(client, first)
        assert client.get_job(many).InstanceMetrics.StoppedCount == 50_000
        assert client.list_instances(many, "t", "49990", 100)[-1].InstanceId == 49_999
        client.delete_job(many)


def test_much_output_is_cut_where_the_service_says_so(tmp_path: Path) -> None:
    with (
        LocalService(tmp_path / "data", slots=2, max_file_size=1_000_000) as service,
        service.client() as client,
    ):
        job_id = client.create_job(job("yes")).Id
        other = client.create_job(job("echo fine")).Id
        finish(client, job_id, "Failed")
        finish(client, other)
        result = client.get_instance(job_id, "t", 0).Result
        assert "SIGXFSZ" in result.ErrorMessage
        assert "beyond what this service allows" in result.ErrorMessage
        place = service.oss_path(client.get_instance(job_id, "t", 0).StdoutRedirectPath or "")
        assert 900_000 < place.stat().st_size <= 1_000_000
        assert output(service, client, other) == "fine\n"


def test_gigabytes_of_output_are_not_held_in_memory(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=2) as service, service.client() as client:
        # Two gigabytes in a sparse file.
        job_id = client.create_job(job("echo begin; truncate -s 2G /proc/self/fd/1; exit 3")).Id
        finish(client, job_id, "Failed")
        place = service.oss_path(client.get_instance(job_id, "t", 0).StdoutRedirectPath or "")
        assert place.stat().st_size == 2 * 1024**3
        before = _memory()
        assert client.logs(job_id, "t", 0, tail=10).stdout == "\0" * 10
        assert _memory() - before < 50_000
        finish(client, client.create_job(job("true")).Id)


def _memory() -> int:
    """Return the peak memory of this process in kilobytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_storm_of_forks_ends_with_its_job(tmp_path: Path) -> None:
    storm = "f() { sleep 300 & setsid sleep 300 & [ $1 -gt 0 ] && { f $(($1 - 1)) & f $(($1 - 1)) & }; wait; }; f 5"
    with LocalService(tmp_path / "data", slots=2) as service, service.client() as client:
        job_id = client.create_job(job(storm)).Id
        until(lambda: len(carrying(job_id)) > 120)
        finish(client, client.create_job(job("echo fine")).Id)
        client.stop_job(job_id)
        until(lambda: not carrying(job_id))


def test_cleaning_a_directory_with_many_files_delays_no_other_job(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        job_id = client.create_job(
            job("i=0; while [ $i -lt 5000 ]; do : > f$i; i=$((i+1)); done; mkdir -m 0 locked")
        ).Id
        finish(client, job_id)
        finish(client, client.create_job(job("true")).Id)
        until(lambda: not remains(service.data_dir / "work"))

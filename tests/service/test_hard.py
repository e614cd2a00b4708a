"""One job does not affect the others, and leaves no processes or files behind."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from batchcompute import LOCAL, Client, ClientError, ConfigError, InvalidParameterError, ValidationError
from batchcompute.api import calls
from batchcompute.resources import JobDescription
from batchcompute.runner import spawning
from batchcompute.runner.outcome import Exited, Outcome, outcome_of
from batchcompute.runner.processes import AttemptProcesses
from batchcompute.runner.records import Ended, RecordReader, encode
from batchcompute.runner.spec import ProcessSpec
from batchcompute.service import LocalService, embedded_service
from batchcompute.service.engines import process_table
from batchcompute.service.engines.process_table import ProcessTable
from batchcompute.service.store import machine_pools
from batchcompute.service.store.database import Store
from batchcompute.service.store.schema import MIGRATIONS
from tests.service.helpers import alive, carrying, connection, finish, job, remains, task, until
from tests.service.test_life import child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for what is left running")


def works(client: Client) -> None:
    """Check that the service still runs jobs."""
    finish(client, client.create_job(job("true")).Id)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: setattr(t.Parameters.Command, "CommandLine", "echo \0x"),
        lambda t: setattr(t.Parameters.Command, "EnvVars", {"A=B": "c"}),
        lambda t: setattr(t.Parameters.Command, "EnvVars", {"": "c"}),
        lambda t: setattr(t.Parameters.Command, "EnvVars", {"A": "\0"}),
        lambda t: setattr(t.Parameters.Command, "PackagePath", "oss://b/../x"),
        lambda t: setattr(t.Parameters, "StdoutRedirectPath", "oss://bad bucket/"),
        lambda t: setattr(t.Parameters, "StdoutRedirectPath", "oss://b/./c/"),
        lambda t: setattr(t.Parameters, "StderrRedirectPath", "elsewhere/"),
        lambda t: setattr(t, "Timeout", 10**10),
        lambda t: setattr(t, "Timeout", 2**70),
        lambda t: setattr(t, "MaxRetryCount", 2**70),
        lambda t: setattr(t, "InstanceCount", 2**70),
    ],
)
def test_a_job_that_cannot_run_is_refused(
    local: Client, change: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = task("true")
    assert callable(change)
    change(described)
    with pytest.raises((ClientError, ValidationError)):
        local.create_job(job({"t": described}))
    # The service checks the request even if the client does not.
    monkeypatch.setattr(calls, "_checked", lambda description, cls: cls(description))
    with pytest.raises(ClientError) as caught:
        local.create_job(job({"t": described}))
    assert caught.value.status in (400, 403)
    works(local)


def test_a_broken_package_does_not_affect_other_jobs(service: LocalService, local: Client) -> None:
    package = service.oss_path("oss://bucket/half.tar.gz")
    package.parent.mkdir(parents=True)
    subprocess.run(["tar", "czf", str(package), "-C", str(Path(__file__).parent), "."], check=True)
    package.write_bytes(package.read_bytes()[:3000])
    described = task("true")
    described.Parameters.Command.PackagePath = "oss://bucket/half.tar.gz"
    job_id = local.create_job(job({"t": described})).Id
    finish(local, job_id, "Failed")
    assert local.get_instance(job_id, "t", 0).Result.ErrorCode == "PackageError"
    works(local)


def test_a_program_that_a_real_time_signal_kills_has_an_exit_code(local: Client) -> None:
    job_id = local.create_job(job("kill -35 $$")).Id
    finish(local, job_id, "Failed")
    assert local.get_instance(job_id, "t", 0).Result.ExitCode == 163
    works(local)


def test_an_outcome_follows_from_the_exit_code_and_the_signal() -> None:
    assert outcome_of(None, 9).error_code == outcome_of(None, 0).error_code == "ProgramKilled"
    for code in range(256):
        assert outcome_of(code, 0).exit_code == code
    assert outcome_of(0, 0) == Outcome(0)


@pytest.mark.parametrize("text", ["", "0", "x", "256", "-1", "0 0", "9" * 5000, "\u0661", "{}", "[]", "null"])
def test_a_damaged_line_is_no_record(tmp_path: Path, text: str) -> None:
    file = tmp_path / "records.jsonl"
    whole = encode(Ended("t-1", Exited(3)))
    cut = encode(Ended("t-2", Exited(0)))[:-5]
    file.write_bytes(text.encode() + whole + cut)
    reader = RecordReader(file)
    assert list(reader.new()) == [Ended("t-1", Exited(3))]
    with file.open("ab") as opened:
        opened.write(encode(Ended("t-3", Exited(4))))
    assert list(reader.new()) == [Ended("t-3", Exited(4))]
    assert list(reader.new()) == []


def test_a_defect_of_one_instance_does_not_affect_other_instances(
    service: LocalService, local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr("batchcompute.runner.package.unpack", broken)
        described = task("true")
        described.Parameters.Command.PackagePath = "oss://bucket/x"
        service.objects.write("oss://bucket/x", [b"x"])
        job_id = local.create_job(job({"t": described})).Id
        finish(local, job_id, "Failed")
    assert local.get_instance(job_id, "t", 0).Result.ErrorCode == "StartFailed"
    works(local)


def test_an_attempt_waits_until_the_machine_has_resources(
    service: LocalService, local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = iter([errno.EMFILE, errno.EAGAIN, errno.ENOMEM])
    spawn = spawning.spawn

    def full(start: ProcessSpec, records: int) -> subprocess.Popen[bytes]:
        number = next(refused, 0)
        if number:
            raise OSError(number, os.strerror(number))
        return spawn(start, records)

    monkeypatch.setattr(process_table, "spawn", full)
    job_id = local.create_job(job({"t": task("true", InstanceCount=3)})).Id
    finish(local, job_id)
    assert {found.RetryCount for found in local.list_instances(job_id, "t")} == {0}


def test_a_program_that_can_never_start_fails_its_instance(
    service: LocalService, local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_start: ProcessSpec, _records: int) -> subprocess.Popen[bytes]:
        raise OSError(errno.ENOEXEC, "no shell")

    with monkeypatch.context() as patch:
        patch.setattr(process_table, "spawn", broken)
        job_id = local.create_job(job("true")).Id
        finish(local, job_id, "Failed")
    assert local.get_instance(job_id, "t", 0).Result.ErrorCode == "StartFailed"
    works(local)


def test_a_process_table_survives_a_submitted_call_that_raises() -> None:
    table = ProcessTable()
    done: list[int] = []
    table._submit(lambda: done.remove(1))
    table._submit(lambda: done.append(1))
    until(lambda: done)
    table.close()
    table.close()
    table.kill(["unknown"])


def test_a_process_table_that_is_busy_can_be_closed() -> None:
    for _ in range(300):
        table = ProcessTable()
        for _ in range(3):
            table._submit(lambda: None)
        table.close()


def test_an_interrupted_transaction_leaves_none_open(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    with pytest.raises(KeyboardInterrupt), connection(store.write()) as db:
        db.execute("INSERT INTO facts VALUES ('a', 'b')")
        raise KeyboardInterrupt
    store._db.execute("BEGIN")
    with connection(store.write()) as db:
        assert db.execute("SELECT COUNT(*) FROM facts WHERE name = 'a'").fetchone()[0] == 0
    store.close()


def test_a_job_that_fails_while_it_starts_leaves_nothing(local: Client) -> None:
    for _ in range(5):
        missing = task("true")
        missing.Parameters.Command.PackagePath = "oss://b/none.tgz"
        job_id = local.create_job(job({"A": task("sleep 54321"), "B": missing})).Id
        finish(local, job_id, "Failed")
        assert local.get_instance(job_id, "A", 0).State == "Stopped"
        until(lambda: not carrying(job_id))  # noqa: B023
    works(local)


@pytest.mark.parametrize("count", [100, pytest.param(3000, marks=pytest.mark.long)])
def test_daemons_of_many_instances_are_all_ended(local: Client, count: int) -> None:
    """One of a thousand starts its program at the very moment in which its environment is read."""
    job_id = local.create_job(job({"t": task("setsid sleep 54321 & true", InstanceCount=count)})).Id
    finish(local, job_id)
    until(lambda: not carrying(job_id))


def test_the_process_group_is_ended_even_without_the_token(local: Client, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    finish(local, local.create_job(job(f"env -i sh -c 'echo $$ > {pid}; exec sleep 54321' & sleep 0.3")).Id)
    until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())


def test_a_daemon_is_not_adopted_as_its_instance(tmp_path: Path) -> None:
    program = """
import sys
from batchcompute.service import LocalService
from tests.service.helpers import job, until
client = LocalService(sys.argv[1]).client()
ids = [client.create_job(job(c)).Id for c in (f"setsid sleep 54321 & while [ ! -e {sys.argv[2]} ]; do sleep 0.01; done; exit 0", "sleep 54321 & sleep 54321")]
until(lambda: all(client.get_job(job_id).State == "Running" for job_id in ids))
print(*ids, flush=True)
sys.stdin.read()
"""
    flag = tmp_path / "flag"
    process = child(tmp_path, str(tmp_path / "data"), str(flag), program=program)
    assert process.stdout is not None
    first, second = process.stdout.readline().split()
    until(lambda: len(carrying(first)) >= 3 and len(carrying(second)) >= 3)
    whole = len(carrying(second))
    process.kill()
    process.communicate()
    # The program of the first job ends by itself and leaves a daemon; the shim of the second job is killed.
    flag.touch()
    until(lambda: len(carrying(first)) == 1)
    shim = min(carrying(second))
    os.kill(shim, 9)
    until(lambda: not alive(shim))
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        finish(client, first)
        assert client.get_instance(first, "t", 0).RetryCount == 0
        assert not carrying(first)
        until(lambda: client.get_instance(second, "t", 0).State == "Running")
        assert client.get_instance(second, "t", 0).RetryCount == 1
        # One copy runs; the processes of the earlier attempt have ended.
        until(lambda: len(carrying(second)) == whole)
    assert not carrying(second)


def test_starting_again_keeps_the_order(service: LocalService, local: Client, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    tasks = {
        "A": task('test "$BATCH_COMPUTE_DAG_INSTANCE_ID" = 0', InstanceCount=2),
        "D": task(f"while [ ! -e {flag} ]; do sleep 0.01; done"),
        "C": task("true"),
    }
    job_id = local.create_job(job(tasks, {"A": ["C"], "D": ["C"]}, JobFailOnInstanceFail=False)).Id
    until(
        lambda: (
            local.get_task(job_id, "A").State == "Finished" and local.get_task(job_id, "D").State == "Running"
        )
    )
    for _ in range(3):
        local.stop_job(job_id)
        local.start_job(job_id)
        until(lambda: local.get_task(job_id, "D").State == "Running")
        assert local.get_task(job_id, "C").State == "Waiting"
    flag.touch()
    finish(local, job_id)
    assert [found.State for found in local.list_instances(job_id, "A")] == ["Finished", "Failed"]


def test_a_restart_uses_up_no_retry(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    command = f"echo x >> {counter}; n=$(wc -l < {counter}); [ $n = 1 ] && sleep 54321; [ $n -ge 3 ]"
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        job_id = client.create_job(job({"t": task(command, MaxRetryCount=1)})).Id
        until(lambda: counter.exists() and counter.read_text() == "x\n")
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        finish(client, job_id)
        assert client.get_instance(job_id, "t", 0).RetryCount == 2


def test_a_service_can_be_closed_at_any_moment(tmp_path: Path) -> None:
    for number in range(5):
        with LocalService(tmp_path / "data", slots=4) as service, service.client() as client:
            tasks = {"a": task("exit 3"), "b": task("sleep 54321", InstanceCount=3)}
            client.create_job(job(tasks, Priority=number))
    with LocalService(tmp_path / "data", slots=4) as service, service.client() as client:
        until(lambda: all(found.State == "Failed" for found in client.easy_list("jobs")))


def test_a_service_that_is_not_closed_ends_with_its_process(tmp_path: Path) -> None:
    program = """
from batchcompute.service import LocalService
from tests.service.helpers import job, until
service = LocalService()
client = service.client()
job_id = client.create_job(job("sleep 54321")).Id
until(lambda: client.get_job(job_id).State == "Running")
print(job_id, service.data_dir)
"""
    process = child(tmp_path, program=program)
    output, _ = process.communicate(timeout=30)
    job_id, directory = output.split()
    assert process.returncode == 0
    assert not carrying(job_id)
    assert not Path(directory).exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_keep_the_directory(tmp_path: Path) -> None:
    service = LocalService(tmp_path / "data")
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(read, 1)
        os._exit(0)
    service.close()
    LocalService(tmp_path / "data").close()
    os.write(write, b"x")
    os.waitpid(pid, 0)
    os.close(read)
    os.close(write)


def test_a_client_stays_with_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", "relative")
    with Client(LOCAL, "id", "secret") as client:
        job_id = client.create_job(job("true")).Id
        first = embedded_service()
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        finish(client, job_id)
    first.close()


def test_pages_stay_correct_while_items_are_deleted(local: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [local.create_job(job("true")).Id for _ in range(5)]
    for job_id in ids:
        finish(local, job_id)
    page = local.list_jobs("", 2)
    local.delete_job(page.NextMarker)
    assert [found.Id for found in local.list_jobs(page.NextMarker, 5)] == ids[3:]
    clusters = [
        local.create_cluster({"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 1}}}).Id
        for _ in range(3)
    ]
    first = local.list_clusters("", 1)
    local.delete_cluster(clusters[1])
    monkeypatch.setattr(machine_pools, "_SHOWN_SECONDS", 0)
    assert [found.Id for found in local.list_clusters(first.NextMarker, 5)] == clusters[2:]


def test_a_repeated_token_returns_the_same_id_or_is_refused(local: Client) -> None:
    first = local.create_job(job("true"), token="token_1").Id
    assert local.create_job(job("true"), token="token_1").Id == first
    assert local.create_job(job("true"), token="token_2").Id != first
    with pytest.raises(InvalidParameterError) as caught:
        local.create_job(job("false"), token="token_1")
    assert caught.value.code == "IdempotentTokenMismatch"
    cluster = {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 1}}}
    assert local.create_cluster(cluster, "token_1").Id == local.create_cluster(cluster, "token_1").Id
    for bad in ("a b", "x" * 65, "é"):
        with pytest.raises(InvalidParameterError) as caught:
            local.create_job(job("true"), token=bad)
        assert caught.value.code == "InvalidIdempotentToken"


def test_unusual_instance_numbers_are_not_found(local: Client) -> None:
    job_id = local.create_job(job("true")).Id
    for odd in ("9" * 30, "9" * 5000, 10**12):
        with pytest.raises(ClientError) as caught:
            local.get_instance(job_id, "t", odd)
        assert caught.value.status == 404
    assert local.list_instances(job_id, "t", "9" * 30).Items == []
    assert local.list_instances(job_id, "t", "²").Items == []


@pytest.mark.parametrize("slots", [0, -1, 2.5, "2", True])
def test_an_invalid_number_of_slots_is_refused(slots: int) -> None:
    with pytest.raises(ConfigError, match="slots"):
        LocalService(slots=slots)


def test_working_directories_are_removed(service: LocalService, local: Client) -> None:
    job_id = local.create_job(job({"t": task("true", InstanceCount=20)})).Id
    finish(local, job_id)
    until(lambda: not remains(service.data_dir / "work"))


def test_files_of_an_earlier_service_are_removed(tmp_path: Path) -> None:
    LocalService(tmp_path / "data").close()
    work = tmp_path / "data" / "work"
    (work / "old-1-2-3-4").mkdir(parents=True)
    (work / "old-1-2-3-4.exit").write_text("0\n")
    with LocalService(tmp_path / "data"):
        until(lambda: not list(work.iterdir()))


def test_processes_of_attempts_are_found_by_their_token() -> None:
    sweeper = AttemptProcesses(threading.Lock())
    environment = {"PATH": os.environ["PATH"], "XBC_INSTANCE": "no", "BC_INSTANCE": "family-1"}
    with (
        subprocess.Popen(["sleep", "54321"], env=environment) as mine,
        subprocess.Popen(["sleep", "54321"]) as other,
    ):
        assert sweeper.find("family-1", "", {}) == [mine.pid]
        assert sweeper.find("family-2", "", {}) == []
        assert sweeper.find_all("family-") == {"family-1": [mine.pid]}
        assert sweeper.find_all("fam-") == {}
        sweeper.kill("family-1", None)
        assert mine.wait() == -9
        assert other.poll() is None
        other.kill()


def test_validation_of_a_whole_job_is_not_slow() -> None:
    JobDescription({"Name": "n", "DAG": {"Tasks": {"t": task("true", InstanceCount=10**6)}}}).validate()


def test_migrations_never_change() -> None:
    # A database stores the number of executed migrations only, so a change of the schema needs a further migration.
    made = [hashlib.sha256(script.encode()).hexdigest()[:16] for script in MIGRATIONS]
    assert made == [
        "1f43fb4391609a59",
        "e709a7493a4a98a2",
        "1a207348ef768a4b",
        "952be9e2e414057a",
        "0f0467d04ba914bd",
        "9a1922669dc9e3a2",
        "be6a1ca3a67896d7",
        "ed102f4ab3657d4c",
    ]

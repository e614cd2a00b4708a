"""A job with unusual files, names or paths fails alone: others run, and it ends."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

import pytest

from batchcompute import Client, ClientError
from batchcompute.runner import copying, sandbox, staging
from batchcompute.service import LocalService
from batchcompute.service.domain.selection import select_runnable
from batchcompute.service.store.queue import RunnableQueue
from tests.service.helpers import carrying, connection, finish, job, remains, task, until
from tests.service.test_life import child
from tests.service.test_mappings import put, result, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="runs commands as Linux does")
OUT = {"OutputMapping": {"/out/": "oss://b/out/"}}
ROOT = "${BATCH_COMPUTE_ROOT:-}"
SANDBOXED = sandbox.probe().usable


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("a link whose name is no text", f"ln -s x \"{ROOT}$(printf '/out/a\\377b')\""),
        ("a file whose name is no text", f"echo x > \"{ROOT}$(printf '/out/a\\377b')\""),
        ("a name that no object has", f"echo x > \"{ROOT}$(printf '/out/a\\001b')\"; echo y > {ROOT}/out/good"),
        ("a long path", "cd " + ROOT + "/out; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "
         "n=$(printf 'd%.0s' $(seq 230)); mkdir $n; cd $n; done; echo x > f"),
        ("a deep path", f"cd {ROOT}/out; i=0; while [ $i -lt 550 ]; do mkdir d; cd d; i=$((i+1)); done; echo x > f"),
        ("a deep working directory", "i=0; while [ $i -lt 1500 ]; do mkdir d; cd d; i=$((i+1)); done"),
        ("a locked directory", f"mkdir {ROOT}/out/d; echo x > {ROOT}/out/d/f; chmod 0 {ROOT}/out/d"),
    ],
    ids=lambda value: value if len(value) < 40 and " " in value else "",
)  # fmt: skip
def test_unusual_files_fail_only_their_job(tmp_path: Path, name: str, command: str) -> None:
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        job_id = client.create_job(job({"t": task(command, **OUT)})).Id
        other = client.create_job(job("echo fine")).Id
        # With few requests: each one takes time from the threads of this process.
        while client.get_job(other).State not in ("Finished", "Failed"):
            time.sleep(0.2)
        assert client.get_job(job_id).State in ("Finished", "Failed")
        finish(client, other)
        if "name" in name:
            assert "/out/a" in client.get_instance(job_id, "t", 0).Result.detail_text
        if name == "a name that no object has":
            assert service.oss_path("oss://b/out/good").exists()
        if name == "a locked directory":
            assert service.oss_path("oss://b/out/d/f").exists()
        until(lambda: not remains(service.data_dir / "work"))
    # After a restart, nothing runs again.
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        finish(client, client.create_job(job("echo fine")).Id)


def test_a_log_whose_name_no_key_can_have_is_refused(local: Client) -> None:
    with pytest.raises(ClientError) as caught:
        local.create_job(job({"t": task("true", LogMapping={"/tmp/a\x01b.log": "oss://b/logs/"})}))
    assert caught.value.code == "InvalidLogMapping"


@pytest.mark.parametrize("where", ["mapping", "log", "output"])
def test_a_bucket_that_is_a_link_fails_only_its_jobs(tmp_path: Path, where: str) -> None:
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        (tmp_path / "outside").mkdir()
        service.oss_path("oss://linked").symlink_to(tmp_path / "outside")
        made = task("echo x")
        if where == "mapping":
            made.InputMapping = {"oss://linked/x/": "/in/"}
        elif where == "log":
            made.LogMapping = {"/x.log": "oss://linked/logs/"}
        else:
            made.Parameters.StdoutRedirectPath = "oss://linked/logs/"
        job_id = client.create_job(job({"t": made})).Id
        finish(client, job_id, "Failed")
        code, message = result(client, job_id)
        assert code == "MountError"
        assert "leads out of the storage" in message
        finish(client, client.create_job(job("true")).Id)
        assert list((tmp_path / "outside").iterdir()) == []


def test_an_unexpected_error_releases_the_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("a defect")

    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        monkeypatch.setattr(staging, "stage_out", broken)
        job_id = run(client, "true", "Failed", **OUT)
        assert "a defect" in result(client, job_id)[1]
        finish(client, client.create_job(job("true")).Id)


@pytest.mark.parametrize("isolation", ["auto", "never"])
def test_mappings_inside_of_mappings(tmp_path: Path, isolation: Literal["auto", "always", "never"]) -> None:
    if isolation == "auto" and not SANDBOXED:
        pytest.skip(sandbox.probe().reason)
    with LocalService(tmp_path / "data", slots=1, sandbox=isolation) as service, service.client() as client:
        put(service, "oss://b/in/top", "top")
        put(service, "oss://b/in/inner/hidden", "hidden")
        put(service, "oss://b/in/res/old", "old")
        put(service, "oss://b/other/x", "inner")
        command = (
            f"cd {ROOT}/in && cat top inner/x && ! test -e inner/hidden && ! test -e res/old && echo new > res/new; "
            f"cat {ROOT}/out/seen/x; mkdir -p {ROOT}/out/deep/er; echo single > {ROOT}/out/single; "
            f"echo log >> {ROOT}/out/run.log; echo nested > {ROOT}/out/nested/n; echo far > {ROOT}/out/a/b/far"
        )
        job_id = run(
            client,
            command,
            Mounts={
                "Entries": [
                    {"Source": "oss://b/in/", "Destination": "/in", "WriteSupport": False},
                    {"Source": "oss://b/other/", "Destination": "/in/inner", "WriteSupport": False},
                    {"Source": "oss://b/other/", "Destination": "/out/seen", "WriteSupport": False},
                ]
            },
            OutputMapping={
                "/in/res/": "oss://b/res/", "/out/": "oss://b/out/", "/out/single": "oss://b/one",
                "/out/nested/": "oss://b/nested/", "/out/a/b/far": "oss://b/far",
            },
            LogMapping={"/out/run.log": "oss://b/logs/"},
        )  # fmt: skip
        assert client.logs(job_id, "t", 0).stdout == "topinnerinner"

        def names(place: str) -> set[str]:
            folder = service.oss_path(place)
            return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

        assert names("oss://b/res/") == {"new"}
        assert names("oss://b/out/") == {"single", "run.log", "a/b/far"}
        assert names("oss://b/nested/") == {"n"}
        assert service.oss_path("oss://b/one").read_text() == "single\n"
        assert service.oss_path("oss://b/far").read_text() == "far\n"
        assert service.oss_path(f"oss://b/logs/run.log.{job_id}.t.0").read_text() == "log\n"
        assert names("oss://b/in/") == {"top", "inner/hidden", "res/old"}


@pytest.mark.skipif(not SANDBOXED, reason=sandbox.probe().reason)
def test_a_link_of_the_host_is_not_written_through(
    service: LocalService, local: Client, tmp_path: Path
) -> None:
    (tmp_path / "target").write_text("host's own")
    (tmp_path / "out.txt").symlink_to("target")
    run(local, f"echo mine > {tmp_path}/out.txt", OutputMapping={f"{tmp_path}/out.txt": "oss://b/out.txt"})
    assert (tmp_path / "target").read_text() == "host's own"
    assert service.oss_path("oss://b/out.txt").read_text() == "mine\n"


@pytest.mark.skipif(not SANDBOXED, reason=sandbox.probe().reason)
def test_a_directory_with_a_file_output_keeps_its_mode(local: Client) -> None:
    job_id = run(local, "stat -c %a /tmp", OutputMapping={"/tmp/out-of-it.txt": "oss://b/x"})
    assert local.logs(job_id, "t", 0).stdout == f"{Path('/tmp').stat().st_mode & 0o7777:o}\n"


def test_outputs_survive_a_change_of_the_settings(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    service = LocalService(tmp_path / "data", slots=1, detach=True, sandbox="never")
    with service.client() as client:
        made = task(f"until [ -e {flag} ]; do sleep 0.02; done; echo x > {ROOT}/out/x", **OUT)
        job_id = client.create_job(job({"t": made})).Id
        until(lambda: carrying(job_id))
    service.close()
    with LocalService(tmp_path / "data", slots=1, sandbox="auto") as service, service.client() as client:
        flag.touch()
        finish(client, job_id)
        assert service.oss_path("oss://b/out/x").exists()


def test_a_service_that_ends_while_outputs_are_uploaded_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()
    upload = staging._upload

    def slow(*arguments: Any) -> None:
        began.set()
        time.sleep(0.3)
        upload(*arguments)

    service = LocalService(tmp_path / "data", slots=1, sandbox="never")
    with service.client() as client:
        monkeypatch.setattr(staging, "_upload", slow)
        many = f"i=0; while [ $i -lt 300 ]; do echo $i > {ROOT}/out/f$i; i=$((i+1)); done"
        job_id = client.create_job(job({"t": task(many, **OUT)})).Id
        assert began.wait(20)
        service.close()
    monkeypatch.setattr(staging, "_upload", upload)
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        finish(client, job_id)
        assert len(list(service.oss_path("oss://b/out/").iterdir())) == 300
        assert client.get_instance(job_id, "t", 0).RetryCount == 0


LATE = """
import sys, time
from batchcompute.service import LocalService
from batchcompute.service.domain.selection import select_runnable
from batchcompute.service.store.queue import RunnableQueue
from batchcompute.runner import staging
from tests.service.helpers import job, task
def never(*arguments): print("bringing away", flush=True); time.sleep(600)
staging.stage_out = never
service = LocalService(sys.argv[1], slots=1)
client = service.client()
made = task(f"echo x >> {sys.argv[2]}; sleep 60", Timeout=1, OutputMapping={"/out/": "oss://b/out/"})
print(client.create_job(job({"t": made})).Id, flush=True)
sys.stdin.read()
"""


def test_a_timeout_stays_a_timeout_after_a_kill(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    process = child(tmp_path, str(tmp_path / "data"), str(runs), program=LATE)
    assert process.stdout is not None
    assert process.stdin is not None
    job_id = process.stdout.readline().strip()
    assert process.stdout.readline() == "bringing away\n"
    process.kill()
    process.wait()
    with LocalService(tmp_path / "data") as service, service.client() as client:
        finish(client, job_id, "Failed")
        assert result(client, job_id)[0] == "Timeout"
    assert runs.read_text() == "x\n"
    process.stdin.close()
    process.stdout.close()


def test_a_stop_aborts_staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, aborts = threading.Event(), list[bool]()
    copy = copying.copy_content

    def slow(reading: int, writing: int, abort: threading.Event | None = None) -> None:
        begun.set()
        assert abort is not None
        aborts.append(abort.wait(30))
        copy(reading, writing, abort)

    with LocalService(tmp_path / "data", slots=1, sandbox="never") as service, service.client() as client:
        for number in range(3):
            put(service, f"oss://b/in/f{number}", "x")
        monkeypatch.setattr(copying, "copy_content", slow)
        slow_job = client.create_job(job({"t": task("true", InputMapping={"oss://b/in/": "/in/"})})).Id
        assert begun.wait(30)
        client.stop_job(slow_job)
        finish(client, client.create_job(job("true")).Id)
        # The first file was being copied, and no other one is.
        assert aborts == [True]


@pytest.mark.parametrize("path", ["//proc/x/", "//", "/./", "/a//../b/"])
def test_no_spelling_evades_the_rules_for_paths(local: Client, path: str) -> None:
    with pytest.raises(ClientError):
        local.create_job(job({"t": task("true", InputMapping={"oss://b/x/": path})}))


@pytest.mark.parametrize("path", ["/../../../../victim", "/", "relative", "/proc/x"])
def test_the_rules_for_paths_hold_for_clusters(tmp_path: Path, path: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("alive")
    mounts = {"Entries": [{"Source": "oss://b/in/", "Destination": path, "WriteSupport": False}]}
    group = {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 1}}}
    with LocalService(tmp_path / "data", slots=1, sandbox="never") as service, service.client() as client:
        put(service, "oss://b/in/x", "x")
        with pytest.raises(ClientError):
            client.create_cluster({**group, "Configs": {"Mounts": mounts}})
        cluster = client.create_cluster(group).Id
        with pytest.raises(ClientError):
            client.modify_cluster(cluster, {"Configs": {"Mounts": mounts}})
        # If an invalid path is in the database, only the job fails.
        with connection(service._parts.store.write()) as db:
            text = db.execute("SELECT description FROM clusters").fetchone()[0]
            spoilt = {**json.loads(text), "Configs": {"Mounts": mounts}}
            db.execute("UPDATE clusters SET description = ?", (json.dumps(spoilt),))
        made = task("true")
        del made.AutoCluster
        made.ClusterId = cluster
        job_id = client.create_job(job({"t": made})).Id
        finish(client, job_id, "Failed")
        assert result(client, job_id)[0] == "MountError"
    assert victim.read_text() == "alive"


def test_a_task_and_its_cluster_map_the_same_path(local: Client, service: LocalService) -> None:
    put(service, "oss://b/in/x", "x")
    mounts = {"Entries": [{"Source": "oss://b/in/", "Destination": "/in", "WriteSupport": False}]}
    job_id = run(
        local,
        "true",
        "Failed",
        Mounts=mounts,
        AutoCluster={"InstanceType": "x", "Configs": {"Mounts": mounts}},
    )
    assert "mapped only once" in result(local, job_id)[1]


def test_two_mappings_of_one_path_are_refused_in_any_spelling(local: Client) -> None:
    for fields in (
        {"InputMapping": {"oss://b/x/": "//in/", "oss://b/y/": "/./in/"}},
        {"LogMapping": {"/a/x.log": "oss://b/logs/", "/b/x.log": "oss://b/logs/"}},
    ):
        with pytest.raises(ClientError):
            local.create_job(job({"t": task("true", **fields)}))


def test_hundreds_of_full_clusters_do_not_delay_others(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=2) as service, service.client() as client:
        made = task("true")
        del made.AutoCluster
        for _ in range(150):
            cluster = {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 0}}}
            made.ClusterId = client.create_cluster(cluster).Id
            client.create_job(job({"t": made}, Priority=5))
        last = client.create_job(job("true")).Id
        finish(client, last)
        with service._parts.store.read() as transaction:
            queries: list[str] = []
            transaction.jobs._db.set_trace_callback(queries.append)
            assert select_runnable(RunnableQueue(transaction), 2) == []
            transaction.jobs._db.set_trace_callback(None)
        assert len(queries) < 20, "not one query for each cluster"

"""Mappings, mounts and logs: at their literal paths in a sandbox, and below a directory without one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from batchcompute import Client, ClientError
from batchcompute.runner import sandbox
from batchcompute.service import LocalService
from batchcompute.service.workspaces.local import LocalWorkspace
from tests.service.helpers import finish, job, output, task, until
from tests.service.test_life import child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts are those of Linux")
SANDBOX = sandbox.probe()
boxed = pytest.mark.skipif(not SANDBOX.usable, reason=SANDBOX.reason)


def put(service: LocalService, place: str, text: str) -> None:
    file = service.oss_path(place)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def run(client: Client, command: str, state: str = "Finished", **fields: Any) -> str:
    job_id = client.create_job(job({"t": task(command, **fields)})).Id
    finish(client, job_id, state)
    return job_id


@boxed
def test_an_input_is_read_only_at_its_path(service: LocalService, local: Client) -> None:
    put(service, "oss://b/in/x.txt", "hello")
    put(service, "oss://b/one.txt", "single")
    job_id = run(
        local,
        "cat /nowhere/on/this/host/x.txt /home/one.txt; echo no > /nowhere/on/this/host/y || echo refused",
        InputMapping={"oss://b/in/": "/nowhere/on/this/host/", "oss://b/one.txt": "/home/one.txt"},
    )
    assert output(service, local, job_id) == "hellosinglerefused\n"
    assert not service.oss_path("oss://b/in/y").exists()
    assert not Path("/nowhere").exists()


@boxed
@pytest.mark.parametrize("code", [0, 3])
def test_outputs_are_uploaded_after_success_and_failure(
    service: LocalService, local: Client, code: int
) -> None:
    job_id = run(
        local,
        f"mkdir -p /out/deep; echo 1 > /out/a; echo 2 > /out/deep/b; echo 3 > /home/single.txt; exit {code}",
        "Failed" if code else "Finished",
        OutputMapping={"/out/": "oss://b/res/", "/home/single.txt": "oss://b/single.txt"},
    )
    found = {
        name: service.oss_path(f"oss://b/{name}").read_text()
        for name in ("res/a", "res/deep/b", "single.txt")
    }
    assert found == {"res/a": "1\n", "res/deep/b": "2\n", "single.txt": "3\n"}
    assert local.get_instance(job_id, "t", 0).Result.ExitCode == code
    assert not Path("/out").exists()
    assert not Path("/home/single.txt").exists()


@boxed
def test_only_logs_are_uploaded_after_a_timeout(service: LocalService, local: Client) -> None:
    run(
        local,
        "echo part > /out/a; echo line >> /var/log/app.log; sleep 60",
        "Failed",
        OutputMapping={"/out/": "oss://b/res/"},
        LogMapping={"/var/log/app.log": "oss://b/logs/"},
        Timeout=1,
    )
    assert not service.oss_path("oss://b/res/a").exists()
    logs = list(service.oss_path("oss://b/logs/").glob("app.log.job-*.t.0"))
    assert [log.read_text() for log in logs] == ["line\n"]


@boxed
def test_a_log_can_be_read_while_it_grows_and_an_empty_log_is_removed(
    service: LocalService, local: Client
) -> None:
    job_id = local.create_job(
        job(
            {
                "t": task(
                    "echo first >> /app/x.log; until [ -e /gate/open ]; do sleep 0.02; done; echo last >> /app/x.log",
                    LogMapping={"/app/x.log": "oss://b/logs/", "/app/never.log": "oss://b/logs/"},
                    InputMapping={"oss://b/gate/": "/gate/"},
                )
            }
        )
    ).Id
    put(service, "oss://b/gate/there", "")
    place = service.oss_path(f"oss://b/logs/x.log.{job_id}.t.0")
    until(lambda: place.is_file() and place.read_text() == "first\n")
    put(service, "oss://b/gate/open", "")
    finish(local, job_id)
    assert place.read_text() == "first\nlast\n"
    assert not service.oss_path(f"oss://b/logs/never.log.{job_id}.t.0").exists()


@boxed
def test_files_written_to_a_mount_are_not_kept(service: LocalService, local: Client) -> None:
    put(service, "oss://b/data/x", "old")
    mounts = {"Entries": [{"Source": "oss://b/data/", "Destination": "/data/", "WriteSupport": True}]}
    job_id = run(local, "echo new > /data/x; cat /data/x", Mounts=mounts)
    assert output(service, local, job_id) == "new\n"
    assert service.oss_path("oss://b/data/x").read_text() == "old"


@pytest.mark.parametrize("isolation", ["auto", "never"])
def test_keep_mounts_keeps_files_written_to_mounts(
    tmp_path: Path, isolation: Literal["auto", "always", "never"]
) -> None:
    if isolation == "auto" and not SANDBOX.usable:
        pytest.skip(SANDBOX.reason)
    mounts = {"Entries": [{"Source": "oss://b/data/", "Destination": "/data", "WriteSupport": True}]}
    with (
        LocalService(tmp_path / "kept", keep_mounts=True, sandbox=isolation) as service,
        service.client() as client,
    ):
        put(service, "oss://b/data/x", "old")
        run(client, "echo new > ${BATCH_COMPUTE_ROOT:-}/data/x", Mounts=mounts)
        assert service.oss_path("oss://b/data/x").read_text() == "new\n"


@boxed
def test_an_output_inside_of_a_mount(service: LocalService, local: Client) -> None:
    # As runjob does it: a writable mount of the whole work directory, and an OutputMapping for the results.
    put(service, "oss://b/job/in.txt", "in")
    run(
        local,
        "mkdir -p /job/res; cp /job/in.txt /job/res/copy.txt; echo lost > /job/other",
        Mounts={"Entries": [{"Source": "oss://b/job/", "Destination": "/job/", "WriteSupport": True}]},
        OutputMapping={"/job/res/": "oss://b/job/res/"},
    )
    assert service.oss_path("oss://b/job/res/copy.txt").read_text() == "in"
    assert not service.oss_path("oss://b/job/other").exists()


@boxed
def test_mounts_of_clusters(service: LocalService, local: Client) -> None:
    put(service, "oss://b/data/x", "cluster")
    mounts = {"Entries": [{"Source": "oss://b/data/", "Destination": "/cluster-data", "WriteSupport": False}]}
    cluster = local.create_cluster(
        {
            "Name": "c",
            "ImageId": "img-ubuntu",
            "Groups": {"g": {"DesiredVMCount": 1}},
            "Configs": {"Mounts": mounts},
        }
    ).Id
    on_cluster = task("cat /cluster-data/x")
    del on_cluster.AutoCluster
    on_cluster.ClusterId = cluster
    own = task("cat /cluster-data/x", AutoCluster={"InstanceType": "x", "Configs": {"Mounts": mounts}})
    job_id = local.create_job(job({"a": on_cluster, "b": own})).Id
    finish(local, job_id)
    assert [output(service, local, job_id, name) for name in "ab"] == ["cluster", "cluster"]


@boxed
def test_files_of_the_machine_stay_visible(service: LocalService, local: Client, tmp_path: Path) -> None:
    """A directory with a mapping in it still shows its other files."""
    there = tmp_path / "neighbour"
    there.write_text("here")
    (tmp_path / "link").symlink_to("neighbour")
    target = tmp_path / "new" / "deep"
    put(service, "oss://b/in/x", "mapped")
    job_id = run(
        local,
        f"cat {tmp_path}/neighbour {tmp_path}/link {target}/x; ls -ld /dev/null /proc/self >&2; id -u",
        InputMapping={"oss://b/in/": f"{target}/"},
    )
    assert output(service, local, job_id) == f"hereheremapped{os.getuid()}\n"
    assert not target.exists()


@boxed
def test_processes_of_a_sandbox_end_with_it(service: LocalService, local: Client, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    put(service, "oss://b/in/x", "")
    # The environment is cleared, so only the process namespace identifies the process.
    command = (
        f"setsid env -i sh -c 'touch {mark}; exec sleep 4321987' & while [ ! -e {mark} ]; do sleep 0.01; done"
    )
    run(local, command, InputMapping={"oss://b/in/": "/in/"})
    left = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and b"4321987" in _read(entry / "cmdline")
    ]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture(params=["auto", "never"])
def any_isolation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[LocalService, Client]]:
    if request.param == "auto" and not SANDBOX.usable:
        pytest.skip(SANDBOX.reason)
    with (
        LocalService(tmp_path / "any", slots=2, sandbox=request.param) as service,
        service.client() as client,
    ):
        yield service, client


def result(client: Client, job_id: str) -> tuple[str, str]:
    found = client.get_instance(job_id, "t", 0).Result
    return found.ErrorCode, found.ErrorMessage


def test_a_missing_input_is_a_mount_error(any_isolation: tuple[LocalService, Client]) -> None:
    _, client = any_isolation
    for fields in (
        {"InputMapping": {"oss://b/none/": "/in/"}},
        {"InputMapping": {"oss://b/none.txt": "/in.txt"}},
        {"Mounts": {"Entries": [{"Source": "oss://b/none/", "Destination": "/in"}]}},
    ):
        code, message = result(client, run(client, "true", "Failed", **fields))
        assert code == "MountError"
        assert "oss://b/none" in message
        assert "/in" in message


def test_an_output_that_cannot_be_written_is_an_output_error(
    any_isolation: tuple[LocalService, Client],
) -> None:
    service, client = any_isolation
    put(service, "oss://b/file", "in the way")
    root = "${BATCH_COMPUTE_ROOT:-}"
    job_id = run(client, f'echo 1 > "{root}/out/a"', "Failed", OutputMapping={"/out/": "oss://b/file/deep/"})
    code, message = result(client, job_id)
    assert code == "OutputError"
    assert "/out" in message
    assert "oss://b/file/deep/" in message
    # A program that has failed keeps its own error.
    job_id = run(
        client, f'echo 1 > "{root}/out/a"; exit 5', "Failed", OutputMapping={"/out/": "oss://b/file/deep/"}
    )
    assert result(client, job_id)[0] == "ProgramFailed"
    assert "cannot be written" in client.get_instance(job_id, "t", 0).Result.detail_text


def test_links_in_outputs_are_not_uploaded_and_named(any_isolation: tuple[LocalService, Client]) -> None:
    service, client = any_isolation
    root = "${BATCH_COMPUTE_ROOT:-}"
    job_id = run(
        client,
        f'ln -s /etc/passwd "{root}/out/link"; mkfifo "{root}/out/pipe"; echo 1 > "{root}/out/plain"',
        OutputMapping={"/out/": "oss://b/res/"},
    )
    assert sorted(path.name for path in service.oss_path("oss://b/res/").iterdir()) == ["plain"]
    detail = client.get_instance(job_id, "t", 0).Result.detail_text
    assert "/out/link" in detail
    assert "/out/pipe" in detail


def test_without_a_sandbox_mappings_are_below_a_directory_named_in_the_result(tmp_path: Path) -> None:
    with LocalService(tmp_path / "no sandbox", sandbox="never") as service, service.client() as client:
        put(service, "oss://b/in/x", "hello")
        job_id = run(
            client,
            'cd "$BATCH_COMPUTE_ROOT" && cat in/x && echo no > in/x && echo out > home/out.txt && echo log > app.log',
            InputMapping={"oss://b/in/": "/in/"},
            OutputMapping={"/home/out.txt": "oss://b/out.txt"},
            LogMapping={"/app.log": "oss://b/logs/"},
        )
        assert output(service, client, job_id) == "hello"
        assert service.oss_path("oss://b/in/x").read_text() == "hello"
        assert service.oss_path("oss://b/out.txt").read_text() == "out\n"
        assert service.oss_path(f"oss://b/logs/app.log.{job_id}.t.0").read_text() == "log\n"
        assert "$BATCH_COMPUTE_ROOT" in client.get_instance(job_id, "t", 0).Result.detail_text


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"InputMapping": {"oss://b/in/": "/in"}}, "InvalidInputMapping", "slash"),
        ({"InputMapping": {"oss://b/in/": "relative/"}}, "InvalidInputMapping", "absolute"),
        ({"InputMapping": {"oss://b/in/": "/a/../b/"}}, "InvalidInputMapping", "absolute"),
        ({"InputMapping": {"oss://b/in/": "/proc/x/"}}, "InvalidInputMapping", "/proc"),
        ({"InputMapping": {"oss://b/../in/": "/in/"}}, "InvalidInputMapping", "oss://"),
        ({"OutputMapping": {"/": "oss://b/out/"}}, "InvalidOutputMapping", "root"),
        ({"OutputMapping": {"C:/out/": "oss://b/out/"}}, "InvalidOutputMapping", "drive"),
        ({"LogMapping": {"/x.log": "oss://b/logs"}}, "InvalidLogMapping", "slash"),
        ({"InputMapping": {"oss://b/x/": "/x/"}, "OutputMapping": {"/x/": "oss://b/x/"}}, "InvalidOutputMapping", "once"),
        ({"Mounts": {"Entries": [{"Source": "nas://host:/x", "Destination": "/x"}]}}, "InvalidSource", "nas://"),
    ],
)  # fmt: skip
def test_invalid_mappings_are_refused(local: Client, fields: dict[str, Any], code: str, text: str) -> None:
    with pytest.raises(ClientError) as caught:
        local.create_job(job({"t": task("true", **fields)}))
    assert caught.value.code == code
    assert text in caught.value.msg


@boxed
def test_all_programs_can_run_in_sandboxes(tmp_path: Path) -> None:
    with LocalService(tmp_path / "boxes", sandbox="always") as service, service.client() as client:
        job_id = run(client, "ps -e | wc -l; pwd; exit 0")
        assert int(output(service, client, job_id).split()[0]) < 12
        failed = run(client, "kill -9 $$", "Failed")
        assert client.get_instance(failed, "t", 0).Result.ExitCode == 137


PROGRAM = """
import sys, time
from batchcompute.service import LocalService
from tests.service.helpers import job, task, until
service = LocalService(sys.argv[1], slots=2)
client = service.client()
command = f"echo begun > {sys.argv[2]}; while [ ! -e {sys.argv[2]}.go ]; do sleep 0.01; done; echo done > /out/x"
job_id = client.create_job(job({"t": task(command, OutputMapping={"/out/": "oss://b/res/"})})).Id
print(job_id, flush=True)
sys.stdin.read()
"""


@boxed
@pytest.mark.parametrize("when", ["before it ends", "after it ended"])
def test_the_next_service_uploads_outputs_of_a_killed_one(tmp_path: Path, when: str) -> None:
    data, flag = tmp_path / "data", tmp_path / "flag"
    process = child(tmp_path, str(data), str(flag), program=PROGRAM)
    assert process.stdout is not None
    assert process.stdin is not None
    job_id = process.stdout.readline().strip()
    until(flag.exists)
    process.kill()
    process.wait()
    go = Path(f"{flag}.go")
    if when == "after it ended":
        go.touch()
        until(lambda: any(b'"ended"' in file.read_bytes() for file in (data / "records").iterdir()))
    with LocalService(data) as service, service.client() as client:
        go.touch()
        finish(client, job_id)
        assert service.oss_path("oss://b/res/x").read_text() == "done\n"
        assert client.get_instance(job_id, "t", 0).RetryCount == 0
    process.stdin.close()
    process.stdout.close()


def test_handles_of_earlier_versions_name_the_isolation() -> None:
    """The migration of the database makes them of columns that earlier versions had."""
    stored = {"direct": "none", "box": "sandbox", "root": "prefix", "container": "container"}
    for way, isolation in stored.items():
        handle = json.dumps({"way": way, "work": "/work", "late": 0})
        assert LocalWorkspace.notes_of_handle(handle) == {"isolation": isolation, "work": "/work"}
    late = json.dumps({"way": "direct", "work": "", "late": 1})
    assert LocalWorkspace.notes_of_handle(late)["timed_out"]
    for damaged in ("", "{}", "[]", "null", "a-token"):
        assert LocalWorkspace.notes_of_handle(damaged) == {}

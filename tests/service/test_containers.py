"""Docker images, with a stub that records its arguments and runs the command itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchcompute import ClientError
from batchcompute.runner import container
from batchcompute.service import LocalService
from tests.service.helpers import finish, job, output, task, until
from tests.service.test_mappings import put

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="containers are those of Linux")

STUB = """#!/bin/sh
printf '%s\\n' "$*" >> "{calls}"
case "$1" in
info) [ ! -e "{calls}.down" ]; exit;;
rm) kill -9 $(cat "{calls}.$3.pid") 2>/dev/null; exit 0;;
run)
  for word; do case "$word" in --name=*) name="${{word#--name=}}";; esac; done
  for word; do last="$word"; done
  # As with a daemon, the program is not a child of this command.
  setsid env -u BC_INSTANCE sh -c 'echo $$ > "$1"; eval "$2"' stub "{calls}.$name.pid" "$last" & wait $!; exit;;
esac
exit 1
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a stub of docker into the path, and return the directory of its records."""
    made = tmp_path / "calls"
    stub = tmp_path / "bin" / "docker"
    stub.parent.mkdir()
    stub.write_text(STUB.format(calls=made))
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:/usr/bin:/bin")
    container.probe.cache_clear()
    yield made
    container.probe.cache_clear()


def test_an_image_is_run_by_the_runtime(calls: Path, tmp_path: Path) -> None:
    with LocalService(tmp_path / "data") as service, service.client() as client:
        put(service, "oss://b/in/x", "x")
        made = task(
            "echo $BATCH_COMPUTE_DAG_INSTANCE_ID $SECRET",
            Mounts={"Entries": [{"Source": "oss://b/in/", "Destination": "/in", "WriteSupport": False}]},
            OutputMapping={"/out/": "oss://b/out/"},
        )
        made.Parameters.Command.Docker.Image = "localhost:5000/tool:1"
        made.Parameters.Command.EnvVars = {"SECRET": "hidden"}
        job_id = client.create_job(job({"t": made})).Id
        finish(client, job_id)
        assert output(service, client, job_id) == "0 hidden\n"
    run = next(line for line in calls.read_text().splitlines() if line.startswith("run"))
    assert "hidden" not in run
    assert "--env-file=" in run
    assert f"--mount=type=bind,source={service.data_dir}/oss/b/in,target=/in,readonly " in run
    assert ",target=/out " in run
    assert "--workdir=/batchcompute/workdir" in run
    assert " tool:1 -c " in run
    assert "rm --force" in calls.read_text()


def test_the_container_of_a_stopped_job_is_removed(calls: Path, tmp_path: Path) -> None:
    with LocalService(tmp_path / "data") as service, service.client() as client:
        made = task("sleep 60")
        made.Parameters.Command.Docker.Image = "tool"
        job_id = client.create_job(job({"t": made})).Id
        pid = int(
            until(lambda: [path.read_text() for path in tmp_path.glob("calls.*.pid") if path.read_text()])[0]
        )
        assert Path(f"/proc/{pid}").exists()
        client.stop_job(job_id)
        until(lambda: not Path(f"/proc/{pid}").exists())
        timed = task("sleep 60", Timeout=1)
        timed.Parameters.Command.Docker.Image = "tool"
        finish(client, client.create_job(job({"t": timed})).Id, "Failed")


def test_an_image_named_by_a_variable(calls: Path, tmp_path: Path) -> None:
    with LocalService(tmp_path / "data") as service, service.client() as client:
        made = task("true")
        made.Parameters.Command.EnvVars = {"BATCH_COMPUTE_DOCKER_IMAGE": "localhost:5000/old"}
        finish(client, client.create_job(job({"t": made})).Id)
    assert " old -c true" in calls.read_text()


def test_an_image_is_refused_without_a_runtime(calls: Path, tmp_path: Path) -> None:
    Path(f"{calls}.down").touch()
    with LocalService(tmp_path / "data") as service, service.client() as client:
        made = task("true")
        made.Parameters.Command.Docker.Image = "ubuntu"
        with pytest.raises(ClientError, match="no container runtime") as caught:
            client.create_job(job({"t": made}))
        assert caught.value.status == 400
        assert caught.value.code == "InvalidImage"

"""The service in the background: started, found again, joined, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchcompute import LOCAL, Client
from batchcompute.cli import servers
from batchcompute.cli.command_job import description_of
from batchcompute.service import LocalService
from tests.cli.helpers import Terminal, start
from tests.service.helpers import until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


@pytest.fixture(autouse=True)
def _down(cli: Terminal) -> Iterator[None]:
    yield
    cli("down")


def test_a_service_is_started_found_again_joined_and_ended(cli: Terminal, tmp_path: Path) -> None:
    assert cli("status").status == 3
    shown = json.loads(cli("up", "--slots", "2", "--json").out)
    assert shown["Started"]
    again = json.loads(cli("up", "--json").out)
    assert again == {**shown, "Started": False}
    assert cli("up", "--slots", "3").status == 2
    status = json.loads(cli("status", "--json").out)
    assert (status["Url"], status["Pid"], status["RunningJobs"]) == (shown["Url"], shown["Pid"], 0)

    # A program that exits leaves its job behind, and another one watches it.
    with start("run", "--detach", "-c", "echo out; sleep 60") as other:
        assert other.stdout is not None
        job = other.stdout.read().strip()
        assert other.wait(20) == 0
    until(lambda: "running" in cli("job", job).out)
    assert "Jobs:           1 running, 0 waiting" in cli("status").out
    with start("logs", "-f", job) as follow:
        assert follow.stdout is not None
        assert follow.stdout.readline() == "out\n"
        assert cli("stop", job).status == 0
        assert follow.wait(20) == 0
    with Client(LOCAL, "id", "secret") as client:
        assert client.get_job(job).State == "Stopped"
    assert not (cli.directory / "server.log").stat().st_mode & 0o077
    assert cli("down").out == f"the service of {cli.directory} has ended\n"
    assert cli("down").out == f"no service runs for {cli.directory}\n"
    assert cli("status").out.endswith("`batchcompute up` starts it\n")


def test_run_detach_starts_the_service_by_itself(cli: Terminal) -> None:
    done = cli("run", "-d", "-c", "sleep 60", "--json")
    assert "now runs in the background" in done.err
    job = json.loads(done.out)["Id"]
    assert json.loads(cli("job", job, "--json").out)["State"] in ("Waiting", "Running")
    done = cli("down")
    assert done.err == "1 job has not ended; `batchcompute up` goes on with what is left\n"


def test_a_server_whose_directory_is_moved_away_ends(cli: Terminal) -> None:
    """It would confirm jobs that nobody finds again, and its end must not hide the server that comes after it."""
    first = json.loads(cli("up", "--port", "0", "--json").out)
    away = cli.directory.with_name("away")
    cli.directory.rename(away)
    second = json.loads(cli("up", "--port", "0", "--json").out)
    assert second["Pid"] != first["Pid"]
    until(lambda: "was moved or removed; the server ends" in (away / "server.log").read_text())
    until(lambda: not (away / "lock").read_text().strip() or servers.owner_of(away) == 0)
    status = json.loads(cli("status", "--json").out)
    assert (status["Running"], status["Pid"]) == (True, second["Pid"])
    assert cli("down").status == 0


def test_the_addresses_for_other_machines_are_printed(cli: Terminal) -> None:
    done = cli("up", "--host", "0.0.0.0", "--insecure", "--port", "0")
    assert done.status == 0, done.err
    said = [
        line for line in (cli.directory / "server.log").read_text().splitlines() if "other machines" in line
    ]
    assert done.out.splitlines()[1:] == said
    assert cli("up").out.count("\n") == 1


def test_commands_that_read_make_no_directory(cli: Terminal) -> None:
    for words in (
        ("jobs",),
        ("job", "job-1"),
        ("logs", "job-1"),
        ("ls",),
        ("cat", "oss://b/x"),
        ("clusters",),
        ("stop", "job-1"),
    ):
        done = cli(*words)
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith(
            f"batchcompute: there is no service in {cli.directory}; `batchcompute up` starts one"
        )
    assert not cli.directory.exists()


def test_a_service_that_cannot_start_says_why(cli: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = cli("up", "--port", str(taken.getsockname()[1]))
    assert done.status == 2
    assert done.err.startswith("batchcompute: the server ended at its start: cannot listen on 127.0.0.1:")
    assert done.err.count("\n") == 1
    done = cli("up", "--slots", "many")
    assert "--slots must be an integer" in done.err


def test_a_directory_in_use_by_a_program_is_named(cli: Terminal) -> None:
    with LocalService(cli.directory):
        for words in (("up",), ("down",), ("run", "-d", "-c", "true")):
            done = cli(*words)
            assert done.status == 5
            assert f"in use by the process with pid {os.getpid()}, which is no server" in done.err
        assert json.loads(cli("status", "--json").out)["Owner"] == os.getpid()
        with start("jobs") as other:
            assert other.stderr is not None
            assert "run `batchcompute up` before them" in other.stderr.read()
        assert other.returncode == 2


def test_a_foreign_directory_and_a_file_are_refused(cli: Terminal, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").touch()
    done = cli("up", "--data-dir", str(tmp_path / "home"))
    assert (done.status, "is no data directory: it holds letter.txt" in done.err) == (2, True)
    done = cli("up", "--data-dir", str(tmp_path / "home" / "letter.txt"))
    assert (done.status, "cannot be written" in done.err) == (2, True)


def test_all_messages_have_the_same_number_of_unfinished_jobs(cli: Terminal) -> None:
    assert "no service runs" not in cli("jobs").err
    with LocalService(cli.directory) as service:
        service.add_key("other", "secret")
        for owner in ("id", "other"):
            with service.client(owner, "secret") as client:
                client.create_job(description_of("sleep 60"))
    text = f"no service runs for {cli.directory}; 2 jobs have not ended; `batchcompute up` goes on with what is left"
    assert cli("jobs").err == f"batchcompute: {text}\n"
    assert cli("status").out == f"{text}\n"
    assert cli("down").out == f"{text}\n"
    assert json.loads(cli("down", "--json").out)["Unfinished"] == 2
    assert cli("up").err == "2 jobs have not ended: the service goes on with them\n"
    status = json.loads(cli("status", "--json").out)
    assert status["Unfinished"] == status["WaitingJobs"] + status["RunningJobs"] == 2
    assert cli("jobs").err == ""
    assert cli("down").err == "2 jobs have not ended; `batchcompute up` goes on with what is left\n"


def test_a_killed_service_is_not_taken_for_a_running_one(cli: Terminal) -> None:
    pid = json.loads(cli("up", "--json").out)["Pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: cli("status").status == 3)
    assert (cli.directory / "server.json").exists()
    assert json.loads(cli("up", "--json").out)["Pid"] != pid


def test_a_service_that_goes_away_while_its_output_is_followed(cli: Terminal) -> None:
    # Not the usual port: the service of another test could be there next, and refuse the key.
    server = json.loads(cli("up", "--port", "0", "--json").out)
    job = cli("run", "-d", "-c", "echo first; sleep 60").out.strip()
    keys = json.loads((cli.directory / "credentials.json").read_text())["keys"][0]
    environment = {
        "BATCHCOMPUTE_ENDPOINT": server["Url"],
        "ALIBABA_CLOUD_ACCESS_KEY_ID": keys["access_key_id"],
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": keys["access_key_secret"],
    }
    with (
        start("logs", "-f", job, environment=environment) as follow,
        start("logs", "-f", job) as joined,
        start("run", "-c", "sleep 60") as waiting,
    ):
        for one in (follow, joined):
            assert one.stdout is not None
            assert one.stdout.readline() == "first\n"
        assert waiting.stderr is not None
        other = waiting.stderr.readline().split()[0]
        cli("down")
        for one in (follow, joined):
            assert one.stderr is not None
            said = one.stderr.read()
            assert one.wait(60) == 5, said
            assert f"6 characters of command[0] were printed; batchcompute logs -f {job} command 0" in said
            assert "Traceback" not in said
        # A command does not become the service itself.
        gone = f"batchcompute: the server at {server['Url']}, which owned {cli.directory}, went away; "
        assert said.startswith(gone)
        assert waiting.stderr.read() == (
            f"{gone}`batchcompute job {other}` shows the job when the service is back\n"
        )
        assert waiting.wait(60) == 5
    stored = json.loads(cli("jobs", "--json").out)
    assert {one["Id"] for one in stored if one["State"] in ("Waiting", "Running")} == {job, other}


def test_the_end_of_a_pipe_ends_the_command(cli: Terminal) -> None:
    cli("up")
    job = cli("run", "-c", "yes | head -c 4000000").err.split()[0]
    command = f"{sys.executable} -m batchcompute.cli logs {job} | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("y\n141\n", "")


def test_a_port_that_is_taken_meanwhile_costs_nothing(cli: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two services start at the same moment, and both have seen that the default port is free."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # If it is taken already, that is as well.
        with contextlib.suppress(OSError):
            other.bind(("127.0.0.1", 8790))
            other.listen()
        looks = iter([True, False])
        monkeypatch.setattr(servers, "_is_free", lambda _: next(looks))
        done = cli("up")
        assert done.status == 0, done.err
        assert ":8790" not in done.out
        assert "port 8790 was taken by another program; --port chooses one" in done.out
        assert cli("down").status == 0
    monkeypatch.setenv("BATCHCOMPUTE_PORT", "0")
    assert not servers.is_port_unset([])
    assert not servers.is_port_unset(["--port", "80"])

"""Jobs from a terminal: run, watched, broken, understood, mended."""

from __future__ import annotations

import json
import logging
import signal
import sys
from pathlib import Path

import pytest

from batchcompute import LOCAL, Client
from batchcompute.cli.command_job import description_of
from batchcompute.cli.connection import connected
from batchcompute.cli.progress import Messages
from batchcompute.cli.servers import owner_of
from batchcompute.cli.state import State
from batchcompute.errors import ConfigError
from batchcompute.service import LocalService
from tests.cli.helpers import Terminal, Write, start
from tests.service.helpers import alive, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

CHAIN = """
    name: chain
    stdout: oss://demo/logs/
    stderr: oss://demo/logs/
    env: {GREETING: yes}
    tasks:
      split:
        command: echo "part $BATCH_COMPUTE_DAG_INSTANCE_ID $GREETING"
        count: 2
      merge:
        command: echo trouble >&2; test -e GATE
        after: split
      last:
        command: echo done
        after: [merge]
"""


def test_a_job_is_run_broken_understood_and_mended(cli: Terminal, write: Write, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    done = cli("run", write("chain.yaml", CHAIN.replace("GATE", str(gate))))
    assert done.status == 1
    assert done.out == ""
    job = done.err.split()[0]
    assert f"{job} failed: Instance 0 of task merge failed" in done.err
    assert "  merge[0] exit code 1 ProgramFailed" in done.err
    assert "  | trouble\n" in done.err
    assert "split  Finished: 2 finished" in done.err

    done = cli("job", job)
    assert "merge  Failed" in done.out
    assert "Failed:\n  merge[0] ProgramFailed: " in done.out
    assert cli("logs", job, "split", "1").out == "part 1 yes\n"
    assert cli("logs", job, "merge").out == "trouble\n"
    assert cli("logs", "--stderr", "--tail", "3", job, "merge").out == "le\n"
    assert "==> split[0] <==\npart 0 yes\n==> split[1] <==\n" in cli("logs", job).out

    gate.touch()
    assert cli("start", job).out == f"{job} started\n"
    with Client(LOCAL, "id", "secret") as client:
        client.wait(job)
    attempts = json.loads(cli("attempts", job, "--json").out)
    assert [(row["TaskName"], row["InstanceId"], row["State"]) for row in attempts] == [
        ("split", 0, "Finished"), ("split", 1, "Finished"), ("merge", 0, "Failed"), ("merge", 0, "Finished"), ("last", 0, "Finished"),
    ]  # fmt: skip
    assert len(cli("attempts", job, "merge", "0").out.splitlines()) == 3
    assert cli("delete", job).out == f"{job} deleted\n"
    assert cli("job", job).status == 3


def test_the_exit_status_of_run_is_that_of_the_program(cli: Terminal) -> None:
    done = cli("run", "--command", "echo out; echo err >&2; exit 7", "-q")
    assert (done.status, done.out) == (7, "out\n")
    assert "  command[0] exit code 7 " in done.err
    done = cli("run", "-c", "exit 9", "--json")
    assert done.status == 9
    shown = json.loads(done.out)
    assert (shown["State"], shown["ExitStatus"], shown["FailedInstances"][0]["ExitCode"]) == ("Failed", 9, 9)


def test_the_options_of_a_command_describe_its_task(
    cli: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_HERE", "b=c")
    (cli.directory / "oss" / "in").mkdir(parents=True)
    (cli.directory / "oss" / "in" / "text").write_text("text")
    command = (
        f"cat {tmp_path}/in/text > {tmp_path}/out.txt; echo $A $FROM_HERE $BATCH_COMPUTE_DAG_INSTANCE_ID"
    )
    done = cli(
        "run", "-c", command, "--count", "2", "-e", "A=1", "-e", "FROM_HERE", "--name", "named", "--priority", "3",
        "--input", f"oss://in/:{tmp_path}/in/", "--output", f"{tmp_path}/out.txt:oss://out/text",
        "--stdout", "oss://out/logs/", "--stderr", "", "--timeout", "60", "--retries", "1", "--json",
    )  # fmt: skip
    assert done.status == 0, done.err
    job = json.loads(done.out)["Id"]
    with Client(LOCAL, "id", "secret") as client:
        description = client.get_job_description(job).content
        assert client.logs(job, "command", 1).stdout == "1 b=c 1\n"
    task = description["DAG"]["Tasks"]["command"]
    assert (description["Name"], description["Priority"]) == ("named", 3)
    assert (task["InstanceCount"], task["Timeout"], task["MaxRetryCount"]) == (2, 60, 1)
    assert (cli.directory / "oss" / "out" / "text").read_text() == "text"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a FILE or --command, and not both"),
        (["x.json", "-c", "true"], "give a FILE or --command, and not both"),
        (["x.json", "--count", "2"], "--count is for --command; in a file, each task has its own"),
        (["x.json", "--input", "a"], "--input is for --command"),
        (["-c", "true", "--input", "a"], "--input must be like oss://bucket/data/:/home/data/, not 'a'"),
        (["-c", "true", "--output", "oss://b/k:/x"], "--output must be like /home/out/:oss://bucket/out/"),
        (["-c", "true", "-e", "NO_SUCH_VARIABLE"], "--env must be NAME=VALUE, or the NAME of a variable that is set"),
        (["-c", "true", "-e", "=x"], "not '=x'"),
        (["-c", "true", "--count", "0"], "invalid value for '--count': 0 is not in the range x>=1"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_options_of_run_is_named(cli: Terminal, words: list[str], message: str) -> None:
    done = cli("run", *words)
    assert done.status == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not cli.directory.exists()


def test_waiting_jobs_and_tasks_say_what_they_wait_for(cli: Terminal, write: Write, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    text = """
        tasks:
          first: {command: "while [ ! -e GATE ]; do sleep 0.02; done", count: 300}
          second: {command: "true", after: first}
    """
    with Client(LOCAL, "id", "secret") as client:
        from batchcompute.cli.files.description import load

        job = client.create_job(load(write("w.yaml", text.replace("GATE", str(gate)))).value).Id
        client.wait(job, until="Running")
        assert cli("jobs").out.splitlines()[1].split()[:2] == [job, "Running"]
        shown = cli("job", job).out
        assert "for a free slot" in shown
        assert "after first" in shown
        tasks = json.loads(cli("--json", "job", job).out)["Tasks"]
        assert {task["TaskName"]: task["Waits"] for task in tasks} == {
            "first": "for a free slot",
            "second": "after first",
        }
        done = cli("delete", job)
        assert done.status == 4
        assert done.err.startswith(f"batchcompute: {job}: ")
        assert "A job that is Running cannot be deleted" in done.err
        assert cli("stop", job, "job-0").status == 3
        assert "A job that is Stopped cannot be stopped" in cli("stop", job).err
        assert cli("jobs", "--state", "stopped", "--json").out.count(job) == 1
        assert cli("jobs", "--state", "Running").out == "there are no such jobs\n"
        assert cli("jobs", "--name", "w", "-n", "1").out.count(job) == 1


def test_jobs_that_fail_and_are_tried_again_are_found(cli: Terminal, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    command = f"test -e {tmp_path}/once || {{ touch {tmp_path}/once; exit 3; }}; while [ ! -e {gate} ]; do sleep 0.02; done"
    with Client(LOCAL, "id", "secret") as client:
        from batchcompute.cli.command_job import description_of

        client.create_job(description_of("sleep 30"))
        job = client.create_job(description_of(command, retries=2)).Id
        client.wait(
            job, until=lambda _: client.get_instance(job, "command", 0).RetryCount == 1, interval=0.05
        )
        found = json.loads(cli("jobs", "--failing", "--json").out)
        assert [one["Id"] for one in found] == [job]
        assert "Tried again:\n  command[0]" in cli("job", job).out
        for one in client.iter_jobs():
            client.stop_job(one)


def test_commands_that_read_run_no_program(cli: Terminal, tmp_path: Path) -> None:
    with LocalService(cli.directory) as service, service.client() as client:
        job = str(client.create_job(description_of("sleep 60")).Id)
        client.wait(job, until="Running")
        service.oss_path("oss://demo/o").parent.mkdir()
        service.oss_path("oss://demo/o").write_text("object")
    before = cli("attempts", job, "--json").out
    shown = cli("job", job, "--json").out
    assert [row["State"] for row in json.loads(before)] == ["Lost"]
    for words in (
        ("jobs",), ("jobs", "--failing"), ("job", job), ("attempts", job), ("logs", job), ("dag", job), ("clusters",),
        ("apps",), ("images",), ("ls",), ("ls", "oss://demo/"), ("cat", "oss://demo/o"),
        ("cp", "oss://demo/o", str(tmp_path / "o")), ("cp", str(tmp_path / "o"), "oss://demo/p"), ("rm", "oss://demo/p"),
    ):  # fmt: skip
        done = cli(*words)
        assert done.status == (1 if words[0] == "logs" else 0), (words, done)
        # No service stays open, so the next command finds the directory free.
        assert owner_of(cli.directory) == 0
    assert cli("attempts", job, "--json").out == before
    assert cli("job", job, "--json").out == shown
    assert (tmp_path / "o").read_text() == "object"
    # It fails closed: a service that runs no jobs changes none.
    with connected(State()) as client, pytest.raises(ConfigError, match="runs no jobs"):
        client.stop_job(job)
    assert cli("stop", job).out == f"{job} stopped\n"


def test_an_attempt_without_an_exit_code_shows_none(cli: Terminal) -> None:
    with LocalService(cli.directory) as service, service.client() as client:
        job = client.create_job(description_of("sleep 60")).Id
        client.wait(job, until="Running")
        client.stop_job(job)
        ended = client.create_job(description_of("true")).Id
        client.wait(ended)
    assert [(row["State"], row["ExitCode"]) for row in json.loads(cli("attempts", job, "--json").out)] == [
        ("Stopped", None)
    ]
    header, row = cli("attempts", job).out.splitlines()
    assert row[header.index("EXIT") : header.index("NODE")].strip() == ""
    header, row = cli("attempts", ended).out.splitlines()
    assert row[header.index("EXIT") : header.index("NODE")].strip() == "0"


def test_the_output_of_several_instances_is_named(cli: Terminal) -> None:
    done = cli("run", "-c", "echo $BATCH_COMPUTE_DAG_INSTANCE_ID", "--count", "2")
    job = done.err.split()[0]
    last = f"`batchcompute logs {job} command N` prints the output of an instance, N from 0 to 1\n"
    assert done.err.endswith(last)
    assert cli("logs", job, "command", "1").out == "1\n"
    done = cli("run", "-c", "true", "--count", "2", "--stdout", "", "--stderr", "")
    assert done.err.endswith(
        "the output of the instances is not stored, because --stdout and --stderr name no directories\n"
    )
    assert cli("run", "-q", "-c", "true", "--count", "2").err == ""


def test_what_others_wrote_cannot_control_the_terminal(
    cli: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("run", "-q", "-c", r"printf '\033]0;title\007\033[31mred\033[0m\rover\n'; exit 0")
    assert done.out == "\x1b]0;title\x07\x1b[31mred\x1b[0m\rover\n", "a pipe gets the bytes of the program"
    from batchcompute.cli.logs import for_terminal

    assert for_terminal(done.out) == "\\x1b]0;title\\x07\x1b[31mred\x1b[0m\nover\n"
    # A service of somebody else may send any name.
    monkeypatch.setattr(
        "batchcompute.cli.jobs.wire",
        lambda _: {"Id": "job-1", "Name": "a\x1b[2Jb\n\u202ec", "State": "Failed"},
    )
    done = cli("jobs")
    assert "a\\x1b[2Jb\\n\\u202ec" in done.out
    assert "\x1b" not in done.out
    assert json.loads(cli("jobs", "--json").out)[0]["Name"] == "a\x1b[2Jb\n\u202ec"


@pytest.mark.parametrize("words", [["job"], ["logs"], ["attempts"], ["stop"], ["start"], ["delete"]])
def test_an_unknown_job_is_one_line(cli: Terminal, words: list[str]) -> None:
    cli.make_directory()
    done = cli(*words, "job-0")
    assert done.status == 3
    assert "job-0" in done.err
    assert done.err.count("\n") == 1
    done = cli(*words, "no id \x1b")
    assert done.status in (2, 3, 4)
    assert "\x1b" not in done.err
    assert "Traceback" not in done.err


def test_output_that_is_not_stored_is_said(cli: Terminal) -> None:
    failed = cli("run", "-c", "exit 3", "--stdout", "", "--stderr", "").err
    assert "  the output of command is not stored, because the task names no directories" in failed
    job = failed.split()[0]
    done = cli("logs", job)
    assert (done.status, done.out) == (1, "")
    assert "the task has no StdoutRedirectPath and StderrRedirectPath" in done.err
    assert json.loads(cli("logs", job, "--json").out)[0]["Stdout"] is None
    assert cli("logs", "-f", job, "--json").status == 2


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_programs_and_says_what_becomes_of_the_job(
    tmp_path: Path, number: int, status: int
) -> None:
    mark = tmp_path / "mark"
    program = f"echo $$ > {mark}; exec sleep 60"
    with start("run", "-c", program, "--data-dir", str(tmp_path / "d")) as command:
        assert command.stderr is not None
        job = command.stderr.readline().split()[0]
        pid = until(lambda: mark.exists() and mark.read_text().strip())
        command.send_signal(number)
        first, second = command.stderr.read().splitlines()
        assert command.wait(20) == status
    assert not alive(int(pid))
    assert (
        first
        == f"batchcompute: interrupted: the programs of {job} end now, and it goes on after `batchcompute up`"
    )
    assert second == "batchcompute: 1 job has not ended; `batchcompute up` goes on with what is left"


def test_only_errors_of_the_log_are_shown_and_all_of_it_for_debug(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from batchcompute.cli import failures
    from batchcompute.cli.state import State

    logger = logging.getLogger("batchcompute")
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with failures.log_of(State(debug=True)):
        logger.warning("a\x1bb")
    with failures.log_of(State()):
        logger.warning("nothing")
        logger.error("an error")
    assert all(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    assert (
        capsys.readouterr().err
        == "batchcompute: warning: batchcompute: a\\x1bb\nbatchcompute: error: batchcompute: an error\n"
    )


def test_a_message_that_lasts_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    messages = Messages()
    texts = ["a slot", "", "lost", "lost", "lost", "lost again", "lost again"]
    for text in texts:
        messages.update({"State": "Waiting", "Message": text}, "  3s  ")
    messages.update({"State": "Failed", "Message": "lost again"})
    assert capsys.readouterr().err == "  3s  lost\n  3s  lost again\n"


def test_the_list_of_jobs_says_what_they_wait_for(cli: Terminal) -> None:
    with Client(LOCAL, "id", "secret") as client:
        groups = {"g": {"InstanceType": "x", "DesiredVMCount": 0}}
        cluster = client.create_cluster({"Name": "c", "ImageId": "img-ubuntu", "Groups": groups}).Id
        job = client.create_job(
            {
                "Name": "stuck",
                "DAG": {
                    "Tasks": {"t": {"ClusterId": cluster, "Parameters": {"Command": {"CommandLine": "true"}}}}
                },
            }
        ).Id
        (line,) = [line for line in cli("jobs").out.splitlines() if str(job) in line]
        assert line.endswith(f"1 waiting; Task t waits: cluster {cluster} has no machines.")
        client.stop_job(str(job))
        assert "no machines" not in cli("jobs").out


def test_following_an_instance_that_has_failed_says_so(cli: Terminal) -> None:
    job = cli("run", "-c", "echo out; echo bad >&2; exit 3").err.split()[0]
    done = cli("logs", "-f", job)
    assert (done.status, done.out) == (0, "out\n")
    advice = f"`batchcompute logs {job} command 0 --stderr` prints its stderr"
    assert done.err == f"batchcompute: command[0] failed (exit code 3); {advice}\n"
    done = cli("logs", "-f", "--stderr", job)
    assert (done.out, done.err) == ("bad\n", "batchcompute: command[0] failed (exit code 3)\n")


def test_a_bucket_is_shared_with_owners_that_exist(cli: Terminal) -> None:
    cli.make_directory()
    assert cli("keys", "add", "--owner", "alice").status == 0
    done = cli("buckets", "grant", "walk", "--to", "alcie")
    assert done.status == 2
    assert "--to alcie: no access key belongs to that owner; the owners are: alice" in done.err


def test_a_key_is_not_used_before_it_was_made(cli: Terminal) -> None:
    assert cli("keys", "add").status == 0
    (pair,) = json.loads(cli("keys", "list", "--json").out)
    hour = f"{pair['CreationTime'][:13]}:00:00Z"
    (cli.directory / "key-uses.json").write_text(json.dumps({pair["AccessKeyId"]: hour}))
    (pair,) = json.loads(cli("keys", "list", "--json").out)
    assert pair["LastUseTime"] == pair["CreationTime"]

"""`python -m batchcompute.runner`: real programs, their records, and what happens when something breaks."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from batchcompute.runner.__main__ import main
from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.mappings import Input, Mappings, Output
from batchcompute.runner.outcome import Exited
from batchcompute.runner.record_file import RecordFile
from batchcompute.runner.records import Ended, Record, RecordReader, Started, encode
from batchcompute.runner.spec_json import Assignment, SpecFile, dump_specs
from batchcompute.service.store.keys import FIRST_OWNER
from tests.runner.test_http_objects import grant_of
from tests.service.helpers import alive, carrying, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the runner needs /proc")


def spec(command: str, token: str = "store-1-0-0-a", **change: Any) -> AttemptSpec:
    values = {"time_limit": 60.0, **change}
    return AttemptSpec(token, "job-1", "t", 0, FIRST_OWNER, command, **values)


class Site:
    """A directory with specifications and records, on which runners are started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.specs = folder / "specs.json"
        self.records_file = folder / "records.jsonl"
        self.started: list[subprocess.Popen[str]] = []

    def write(self, *specs: AttemptSpec | Assignment, **change: Any) -> None:
        attempts = tuple(one if isinstance(one, Assignment) else Assignment(one) for one in specs)
        self.specs.write_bytes(dump_specs(SpecFile(str(self.records_file), attempts, **change)))

    def start(self, *options: str, specs: str = "", **environment: str) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "batchcompute.runner",
            specs or str(self.specs),
            "--work",
            str(self.folder / "work"),
        ]
        process = subprocess.Popen(
            [*command, "--node", "n1", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, *options: str, specs: str = "", **environment: str) -> tuple[int, str]:
        """Run a runner in this process, which starts faster; return its exit status and its messages."""
        errors = io.StringIO()
        arguments = [specs or str(self.specs), "--work", str(self.folder / "work"), "--node", "n1", *options]
        with redirect_stderr(errors), patch.dict(os.environ, environment):
            status = main(arguments)
        assert "Traceback" not in errors.getvalue(), errors.getvalue()
        return status, errors.getvalue()

    @property
    def records(self) -> list[Record]:
        return list(RecordReader(self.records_file).new())

    def end(self, token: str = "store-1-0-0-a") -> Exited:
        """Return the recorded end of an attempt."""
        (end,) = [
            record.exited for record in self.records if isinstance(record, Ended) and record.token == token
        ]
        return end

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path)
    yield opened
    opened.close()


def test_attempts_run_and_are_recorded(site: Site) -> None:
    specs = [spec(f"exit {number}", f"token-{number}") for number in range(3)]
    specs += [spec("kill -9 $$", "token-9"), spec("echo to stderr >&2; exit 7", "token-7")]
    site.write(*specs)
    before = time.time()
    process = site.start()
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0
    assert [type(record).__name__ for record in site.records] == ["Started", "Ended"] * 5
    assert [record.token for record in site.records[::2]] == [one.token for one in specs]
    assert [site.end(f"token-{number}").outcome.exit_code for number in (0, 1, 2, 9, 7)] == [0, 1, 2, 137, 7]
    assert site.end("token-7").detail == "to stderr\n"
    assert site.end("token-9").outcome.error_code == "ProgramFailed"
    for record in site.records:
        if isinstance(record, Started):
            assert (record.node, record.time >= before) == ("n1", True)
        else:
            exited = record.exited
            assert exited.node == "n1"
            assert exited.started is not None
            assert exited.ended is not None
            assert before <= exited.started <= exited.ended <= time.time()
    assert not list((site.folder / "work").iterdir())
    assert site.records_file.stat().st_mode & 0o777 == 0o600


def test_slots_run_attempts_at_the_same_time(site: Site) -> None:
    pipes = [site.folder / f"pipe{number}" for number in range(2)]
    for pipe in pipes:
        os.mkfifo(pipe)
    # Each program waits for the next one, so all three have to run at the same time.
    first, second = pipes
    commands = [f"cat {first}", f"echo x > {first}; cat {second}", f"echo x > {second}"]
    site.write(*(spec(command, f"token-{number}") for number, command in enumerate(commands)))
    assert site.run("--slots", "3")[0] == 0
    assert [site.end(f"token-{number}").code for number in range(3)] == [0, 0, 0]


def test_a_program_sees_its_variables_and_not_those_of_the_runner(site: Site) -> None:
    result = site.folder / "result"
    site.write(spec(f'echo "$A,$SECRET,$BC_INSTANCE,$(pwd)" > {result}', environment={"A": "é\n"}))
    assert site.run(SECRET="s3cret")[0] == 0
    text = result.read_text()
    assert text.startswith("é\n,,store-1-0-0-a,")
    assert str(site.folder / "work") in text


def test_variables_of_the_machine_are_passed_by_name(site: Site) -> None:
    result = site.folder / "result"
    site.write(spec(f'echo "$GPU,$OTHER,$SECRET" > {result}', environment={"OTHER": "of the job"}))
    options = ("--pass", "GPU", "--pass", "OTHER", "--pass", "MISSING")
    assert site.run(*options, GPU="1", OTHER="of the machine", SECRET="s3cret")[0] == 0
    assert result.read_text() == "1,of the job,\n"


def test_a_result_too_long_for_a_record_is_shortened(tmp_path: Path) -> None:
    file = RecordFile(str(tmp_path / "records"), 1)
    file.append(
        Ended(
            "token",
            Exited(
                1, error_code="OutputError", message="m" + "\U0001f600" * 9000, detail="\x01" * 20_000 + "end"
            ),
        )
    )
    file.append(Ended("other", Exited(0)))
    file.close()
    first, second = RecordReader(tmp_path / "records").new()
    assert isinstance(first, Ended)
    assert first.exited.message.startswith("m\U0001f600")
    assert first.exited.detail.endswith("end")
    assert second == Ended("other", Exited(0))


def test_the_time_limit_ends_the_whole_tree(site: Site) -> None:
    pids = site.folder / "pids"
    daemon = (
        f"{sys.executable} -c 'import os,time; os.setsid(); print(os.getpid(), flush=True); time.sleep(600)'"
    )
    site.write(spec(f"{daemon} >> {pids} & {daemon} >> {pids} & echo late >&2; sleep 600", time_limit=0.8))
    assert site.run()[0] == 0
    exited = site.end()
    assert exited.timed_out
    assert exited.outcome.error_code == "Timeout"
    assert exited.detail == "late\n"
    found = [int(line) for line in pids.read_text().split()]
    assert len(found) == 2
    assert not [pid for pid in found if alive(pid)]


def test_what_a_program_leaves_running_ends_with_it(site: Site) -> None:
    pids = site.folder / "pids"
    os.mkfifo(pids)
    daemon = f'{sys.executable} -c \'import os,time; os.setsid(); print(os.getpid(), file=open("{pids}", "w")); time.sleep(600)\''
    site.write(spec(f"{daemon} & cat {pids} > {site.folder}/pid"))
    assert site.run()[0] == 0
    assert site.end().code == 0
    assert not alive(int((site.folder / "pid").read_text()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_programs_and_records_no_end(site: Site, number: int) -> None:
    site.write(*(spec("sleep 600", f"marked-{int(number)}-{other}") for other in range(3)))
    process = site.start("--slots", "2")
    until(lambda: len([record for record in site.records if isinstance(record, Started)]) == 2)
    until(lambda: len(carrying(f"marked-{int(number)}-")) >= 2)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert (
        f"marked-{int(number)}-0 has no result: the program was ended, because the runner was stopped"
        in errors
    )
    assert not [record for record in site.records if isinstance(record, Ended)]
    assert {record.token for record in site.records} == {f"marked-{int(number)}-0", f"marked-{int(number)}-1"}
    assert not carrying(f"marked-{int(number)}-")
    assert not list((site.folder / "work").iterdir())


def test_an_attempt_with_a_record_does_not_run_again(site: Site) -> None:
    earlier = site.folder / "earlier.jsonl"
    earlier.write_bytes(encode(Started("token-1")))
    site.records_file.write_bytes(
        encode(Started("token-2")) + encode(Ended("token-2", Exited(0))) + b'{"event":"star'
    )
    site.write(*(spec(f"touch {site.folder}/ran-{number}", f"token-{number}") for number in range(4)),
               earlier_records=(str(earlier), str(site.folder / "none")))  # fmt: skip
    status, errors = site.run()
    assert status == 1
    assert "attempt token-1 has no result: it has a record already" in errors
    assert sorted(path.name for path in site.folder.glob("ran-*")) == ["ran-0", "ran-3"]
    assert site.run()[0] == 1
    assert [record.token for record in site.records if isinstance(record, Started)] == [
        "token-2",
        "token-0",
        "token-3",
    ]


def test_an_attempt_that_was_given_up_is_ended_and_the_others_run_on(site: Site) -> None:
    void = site.folder / "void.jsonl"
    void.touch()
    daemon = f"(setsid sh -c 'sleep 600; : {site.folder}' >/dev/null 2>&1 &)"
    site.write(
        spec(f"{daemon}; touch {site.folder}/began; sleep 600", "unwanted"),
        spec(f"while ! test -e {site.folder}/go; do sleep 0.05; done; exit 4", "other"),
        spec("true", "late"),
        earlier_records=(str(void),),
    )
    runner = site.start("--slots=2")
    until((site.folder / "began").exists)
    void.write_bytes(encode(Ended("unwanted", Exited(None, 9))) + encode(Ended("late", Exited(None, 9))))
    until(lambda: any(isinstance(record, Ended) for record in site.records))
    (site.folder / "go").touch()
    assert runner.wait(20) == 1
    assert (site.end("unwanted").error_code, site.end("other").code) == ("Stopped", 4)
    assert not [record for record in site.records if record.token == "late"]
    assert not subprocess.run(["pgrep", "-f", f": {site.folder}"], capture_output=True).stdout


def test_an_attempt_that_still_runs_on_this_machine_does_not_start(site: Site) -> None:
    with subprocess.Popen(["sleep", "600"], env={"BC_INSTANCE": "store-1-0-0-a"}) as other:
        site.write(spec("true"))
        status, errors = site.run()
        other.kill()
    assert status == 1
    assert "a process on this machine" in errors
    assert not site.records


def test_only_one_of_two_runners_with_the_same_attempt_runs_it(site: Site) -> None:
    site.write(spec(f"echo x >> {site.folder}/ran; sleep 0.5"))
    first = site.start()
    until(lambda: site.records)
    assert site.run()[0] == 1
    first.communicate(timeout=20)
    assert first.returncode == 0
    assert (site.folder / "ran").read_text() == "x\n"


# -- bad input --------------------------------------------------------------------------------


def test_the_specifications_may_appear_late(site: Site) -> None:
    process = site.start("--wait", "20")
    site.specs.touch()
    time.sleep(0.2)
    site.write(spec("true"))
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert site.end().code == 0


def test_specifications_that_do_not_appear_are_an_error(site: Site) -> None:
    assert site.run("--wait", "0.1") == (
        2, f"batchcompute runner: the specifications '{site.specs}' do not exist, or are empty, after 0.1 s (see --wait)\n"
    )  # fmt: skip


def test_one_of_many_files_is_chosen_by_its_index(site: Site) -> None:
    site.write(spec("true"))
    site.specs.rename(site.folder / "specs-7.json")
    assert site.run("--index", "7", specs=str(site.folder / "specs-{index}.json"))[0] == 0
    assert site.end().code == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "is not JSON"),
        (b"[]", "must be an object"),
        (b'{"version": 1, "attempts": []}', "records: must not be left out"),
    ],
)
def test_a_damaged_file_is_one_line(site: Site, data: bytes, message: str) -> None:
    site.specs.write_bytes(data)
    status, errors = site.run()
    assert status == 2
    assert errors.count("\n") == 1
    assert errors.startswith(f"batchcompute runner: the specifications '{site.specs}': ")
    assert message in errors


def test_each_problem_has_a_line_of_its_own(site: Site) -> None:
    site.write(spec("true", "bad"))
    content = json.loads(site.specs.read_bytes())
    content["attempts"][0].update({"time_limit": -5, "number": -1, "x\nroot: fine": 1})
    site.specs.write_text(json.dumps(content))
    status, errors = site.run()
    assert status == 2
    lines = errors.splitlines()
    assert lines[0] == "batchcompute runner: attempt bad cannot run: 3 problems"
    assert sorted(line.partition(": ")[2].partition(":")[0] for line in lines[1:]) == [
        "  attempts[0].number",
        "  attempts[0].time_limit",
        r"  attempts[0].x\nroot",
    ]


def test_a_damaged_specification_is_recorded_and_the_others_run(site: Site) -> None:
    site.write(spec("true", "good"), spec("true", "bad"))
    content = json.loads(site.specs.read_bytes())
    content["attempts"][1]["time_limit"] = -5
    content["attempts"].append({"token": "/", "x\n": 1})
    site.specs.write_text(json.dumps(content))
    status, errors = site.run()
    assert status == 2
    assert "attempt bad cannot run: attempts[1].time_limit: must be a number above 0 (got -5)" in errors
    assert "attempts[2].token: must be 1 to 200 letters" in errors
    assert all(line.startswith("batchcompute runner: ") for line in errors.splitlines())
    assert site.end("good").code == 0
    assert site.end("bad").error_code == "StartFailed"
    assert "attempts[1].time_limit: must be a number above 0 (got -5)" in site.end("bad").message


def test_a_damaged_head_is_recorded_for_each_attempt(site: Site) -> None:
    site.write(spec(f"touch {site.folder}/ran", "a"), spec("true", "b"))
    site.specs.write_bytes(site.specs.read_bytes().replace(b'"version":1', b'"version":2'))
    status, errors = site.run()
    assert status == 2
    assert "version: must be 1; this runner reads no other version (got 2)" in errors
    assert [site.end(token).error_code for token in "ab"] == ["StartFailed"] * 2
    assert not (site.folder / "ran").exists()


@pytest.mark.parametrize("kind", ["directory", "missing directory", "link", "pipe"])
def test_records_that_cannot_be_written_stop_the_runner_before_it_starts(site: Site, kind: str) -> None:
    if kind == "directory":
        site.records_file.mkdir()
    elif kind == "missing directory":
        site.records_file = site.folder / "none" / "records"
    elif kind == "link":
        site.records_file.symlink_to("other")
    else:
        os.mkfifo(site.records_file)
    site.write(spec(f"touch {site.folder}/ran"))
    status, errors = site.run()
    assert status == 3
    assert f"records: '{site.records_file}' cannot be opened for writing: " in errors
    assert not (site.folder / "ran").exists()


def limited(size: int) -> Any:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    return limit


def run_limited(site: Site, size: int, *options: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "batchcompute.runner",
        str(site.specs),
        "--work",
        str(site.folder / "work"),
        *options,
    ]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=limited(size)
    )
    site.started.append(process)
    return process


def test_a_record_that_cannot_be_written_later_ends_the_runner(site: Site) -> None:
    """The limit for files stands for a full disk: the first record fits, and a part of the second one."""
    site.write(spec("true", "first"), spec(f"touch {site.folder}/ran", "second"))
    process = run_limited(site, 150, "--node", "n1", "--patience", "0.3")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 3
    assert f"records cannot be written to {site.records_file}: " in errors
    assert [type(record).__name__ for record in site.records] == ["Started"]
    assert not (site.folder / "ran").exists()


def test_a_record_is_tried_again_until_there_is_room(site: Site) -> None:
    site.write(spec("true", "first"))
    process = run_limited(site, 150, "--node", "n1", "--patience", "30")
    until(lambda: site.records and site.records_file.stat().st_size == 150)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert site.end("first").code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "one path of a file of specifications must be given (got 0)"),
        (("a", "b"), "one path of a file of specifications must be given (got 2)"),
        (("a", "--slot", "3"), "there is no option --slot; use one of --index, --slots"),
        (("a", "--slots", "0"), "--slots must be an integer from 1 (got '0')"),
        (("a", "--slots", "x"), "--slots must be an integer from 1 (got 'x')"),
        (("a", "--slots"), "--slots must be an integer from 1 (got '')"),
        (("a", "--slots=1", "--slots=2"), "--slots is given twice"),
        (("a", "--wait", "nan"), "--wait must be a number of seconds from 0 (got 'nan')"),
        (("a", "--pass", "A=B"), "--pass must be the name of a variable (got 'A=B')"),
        (("a", "--sandbox", "yes"), "--sandbox must be auto or always or never (got 'yes')"),
        (("a", "--index", "1"), "--index and {index} in the path of the specifications go together"),
        (("a-{index}",), "--index and {index} in the path of the specifications go together"),
    ],
)
def test_a_wrong_option_is_named(
    options: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 2
    assert message in capsys.readouterr().err


def test_the_documentation_has_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    page = (Path(__file__).parents[2] / "docs" / "runner.md").read_text("utf-8")
    assert f'```text title="python -m batchcompute.runner --help"\n{capsys.readouterr().out}```' in page


def test_a_program_that_cannot_start_has_a_record(site: Site) -> None:
    site.write(spec("true", "a", environment={"A": "\ud800"}), spec("true", "b", environment={"A": "x" * 300_000}),
               spec("true", "c"))  # fmt: skip
    assert site.run()[0] == 0
    for token in "ab":
        assert site.end(token).error_code == "StartFailed"
        assert "The process of the program cannot be created" in site.end(token).message
    assert site.end("c").code == 0


def test_an_error_of_the_runner_ends_its_programs_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write(spec("sleep 600", "marked-error"))

    def flush(_: RecordFile) -> None:
        if site.records:
            raise ZeroDivisionError

    monkeypatch.setattr(RecordFile, "flush", flush)
    with pytest.raises(ZeroDivisionError):
        site.run()
    assert not carrying("marked-error")
    assert [type(record).__name__ for record in site.records] == ["Started"]
    assert not list((site.folder / "work").iterdir())


def test_a_work_directory_that_cannot_be_used_is_recorded(site: Site) -> None:
    (site.folder / "work").touch()
    site.write(spec("true"))
    status, errors = site.run()
    assert status == 2
    assert "--work" in errors or "work directory" in errors
    assert site.end().error_code == "StartFailed"


# -- objects ----------------------------------------------------------------------------------


def staged(command: str, token: str = "staged", **change: Any) -> AttemptSpec:
    mappings = Mappings(
        (Input("oss://b/in/", "/data/in/"), Input("oss://b/in/a", "/data/single")),
        (Output("/data/out/", f"oss://b/{token}/out/"), Output("/data/result", f"oss://b/{token}/result")),
    )
    values = {
        "mappings": mappings,
        "stdout": f"oss://b/{token}/stdout",
        "stderr": f"oss://b/{token}/stderr",
        **change,
    }
    return spec(command, token, **values)


@pytest.mark.parametrize("sandbox", ["auto", "never"])
def test_files_are_staged_over_http(site: Site, served: tuple[str, Path], sandbox: str) -> None:
    attempt = staged(
        "cd ${BATCH_COMPUTE_ROOT}/data && cat in/a single > result && cp in/run.sh out/ && echo text && echo error >&2",
        f"staged-{sandbox}",
    )
    site.write(Assignment(attempt, grant_of(served[1], attempt)), endpoint=served[0])
    status, errors = site.run("--sandbox", sandbox)
    assert (status, errors) == (0, "")
    assert site.end(attempt.token).outcome.error_code == ""
    objects = served[1] / "oss/b" / attempt.token
    contents = {
        str(path.relative_to(objects)): path.read_bytes() for path in objects.rglob("*") if path.is_file()
    }
    assert contents == {
        "result": b"11",
        "out/run.sh": b"#!/bin/sh\n",
        "stdout": b"text\n",
        "stderr": b"error\n",
    }


def test_a_package_is_unpacked(site: Site, served: tuple[str, Path]) -> None:
    subprocess.run(
        ["tar", "czf", served[1] / "oss/b/p.tar.gz", "-C", site.folder, "--files-from=/dev/null"], check=True
    )
    (site.folder / "main.sh").write_text("echo packed >&2; exit 4")
    subprocess.run(["tar", "czf", served[1] / "oss/b/p.tar.gz", "-C", site.folder, "main.sh"], check=True)
    attempt = spec("sh main.sh", package="oss://b/p.tar.gz")
    site.write(Assignment(attempt, grant_of(served[1], attempt)), endpoint=served[0])
    assert site.run()[0] == 0
    assert (site.end().code, site.end().detail) == (4, "packed\n")


def test_output_is_only_delivered_of_failures(site: Site, served: tuple[str, Path]) -> None:
    attempts = [staged(f"echo text; echo x >&2; exit {code}", f"logs-{code}") for code in (0, 3)]
    site.write(*(Assignment(one, grant_of(served[1], one)) for one in attempts), endpoint=served[0])
    assert site.run("--deliver-logs", "failures")[0] == 0
    assert not (served[1] / "oss/b/logs-0").exists()
    assert (served[1] / "oss/b/logs-3/stdout").read_bytes() == b"text\n"


def test_a_time_out_delivers_the_output_so_far(site: Site, served: tuple[str, Path]) -> None:
    attempt = staged("echo so far; touch ${BATCH_COMPUTE_ROOT}/data/out/x; sleep 600", "late", time_limit=0.5)
    site.write(Assignment(attempt, grant_of(served[1], attempt)), endpoint=served[0])
    assert site.run("--sandbox", "never")[0] == 0
    assert site.end("late").outcome.error_code == "Timeout"
    assert (served[1] / "oss/b/late/stdout").read_bytes() == b"so far\n"
    assert not (served[1] / "oss/b/late/out").exists()


def test_a_missing_input_and_a_grant_that_is_refused_fail_the_attempt(
    site: Site, served: tuple[str, Path]
) -> None:
    missing = staged("true", "missing", mappings=Mappings((Input("oss://b/none", "/data/none"),)))
    refused = staged("true", "refused")
    site.write(
        Assignment(missing, grant_of(served[1], missing)), Assignment(refused, "s3cret"), endpoint=served[0]
    )
    status, errors = site.run()
    assert status == 0
    assert site.end("missing").error_code == "MountError"
    assert "oss://b/none, mapped to /data/none, does not exist" in site.end("missing").message
    assert site.end("refused").error_code == "MountError"
    assert "403 AccessDenied" in site.end("refused").message
    assert "s3cret" not in errors + site.records_file.read_text()


def test_a_storage_that_does_not_answer_is_no_failure_of_the_attempt(site: Site) -> None:
    site.write(Assignment(staged("true"), "g"), endpoint="http://127.0.0.1:1")
    status, errors = site.run("--patience", "0.2")
    assert status == 1
    assert "attempt staged has no result: object storage does not answer" in errors
    assert not site.records


def test_an_attempt_with_objects_needs_an_endpoint(site: Site) -> None:
    site.write(Assignment(staged("true"), "g"))
    assert site.run()[0] == 0
    assert site.end("staged").message == "endpoint: must not be left out; the attempt needs objects"


def test_certificates_that_cannot_be_read_are_named(site: Site) -> None:
    site.write(Assignment(staged("true"), "g"), endpoint="https://127.0.0.1:1", certificates="/none.pem")
    status, errors = site.run()
    assert status == 2
    assert "certificates: '/none.pem' cannot be used: " in errors
    assert site.end("staged").error_code == "StartFailed"


# -- the start --------------------------------------------------------------------------------


def test_a_runner_imports_neither_client_nor_service(site: Site) -> None:
    site.write(spec("true"))
    program = (
        "import sys; from batchcompute.runner.__main__ import main; code = main(sys.argv[1:]);"
        "print(code, *sys.modules)"
    )
    command = [sys.executable, "-c", program, str(site.specs), "--work", str(site.folder / "work")]
    code, *loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert code == "0"
    assert {name.split(".")[1] for name in loaded if name.startswith("batchcompute.")} == {
        "_lazy",
        "_version",
        "errors",
        "runner",
    }
    # What only some attempts need is loaded by them.
    assert not {
        "http.client",
        "tarfile",
        "argparse",
        "httpx",
        "pydantic",
        "asyncio",
        "tempfile",
        "ssl",
    } & set(loaded)

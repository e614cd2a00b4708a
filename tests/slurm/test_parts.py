"""The parts of the Slurm engine that need no cluster: what it reads, what it decides, and what it writes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchcompute.errors import ConfigError
from batchcompute.runner.attempt_spec import AttemptSpec, Resources
from batchcompute.runner.outcome import Exited
from batchcompute.runner.records import Ended, RecordReader, Started
from batchcompute.runner.spec_json import parse_specs
from batchcompute.service.engines.base import Lost, Pending, Running
from batchcompute.service.engines.slurm.commands import (
    AmbiguousError,
    Commands,
    CommandsError,
    RefusedError,
    UnreachableError,
    message_of,
)
from batchcompute.service.engines.slurm.files import SharedFiles
from batchcompute.service.engines.slurm.journal import Journal
from batchcompute.service.engines.slurm.nodes import NodeWatch
from batchcompute.service.engines.slurm.packing import Durations, pack_size, packed
from batchcompute.service.engines.slurm.queue import Row, parse_queue
from batchcompute.service.engines.slurm.script import ArrayJob, demand_of, minutes_of, script
from batchcompute.service.engines.slurm.settings import NAMES, SiteOptions, SlurmSettings
from batchcompute.service.engines.slurm.site import Demand, parse_site
from batchcompute.service.engines.slurm.tracking import Element, JobArray, Tracked, judge, take_record
from batchcompute.service.simulated_clock import SimulatedClock

PREFIX = "bc-0a-"
NAME = "bc-0a-12ef"


def spec(number: int = 0, **change: Any) -> AttemptSpec:
    return AttemptSpec(f"t{number}", "job", "task", number, "owner", "true", 600.0)._replace(**change)


# -- squeue -----------------------------------------------------------------------------------

ANSWER = f"""\
7|64-66,70%2|PENDING||{NAME}|{NAME}|Resources
7|0|RUNNING|n1|{NAME}|{NAME}|None
7|1|COMPLETING|n1|{NAME}|(null)|NonZeroExitCode
7|2|FAILED|n2|renamed by the site|{NAME}|NonZeroExitCode
3|2|CANCELLED||{NAME}|{NAME}|None
8|N/A|CANCELLED||bc-0a-aa|bc-0a-aa|JobHeldUser
9|5|PENDING||bc-0a-bb|bc-0a-bb|launch failed requeued held
1|1|RUNNING|n1|bc-0aX12ef|bc-other-12|None
2|0|RUNNING|n1|{NAME} |x|{NAME}|None
x|0|RUNNING|n1|{NAME}|{NAME}|None
"""


def test_lines_of_squeue_are_found_by_name_or_comment() -> None:
    jobs = parse_queue(ANSWER, PREFIX)
    assert set(jobs) == {NAME, "bc-0a-aa", "bc-0a-bb"}
    own = jobs[NAME]
    assert own.element(0) == Row("7", "RUNNING", "", "n1")
    assert own.element(65) == Row("7", "PENDING", "Resources")
    assert own.element(67) is None
    assert own.element(70) is not None
    # Of two ids with one name, the last line counts if both have ended.
    rows = [own.element(number) for number in (0, 1, 2, 64)]
    assert [row and row.phase for row in rows] == ["running", "running", "ended", "waiting"]
    assert own.job == "7"
    assert own.is_alive
    # An array that was ended before its elements started has one line.
    assert jobs["bc-0a-aa"].element(17) == Row("8", "CANCELLED", "JobHeldUser")
    assert not jobs["bc-0a-aa"].is_alive


def test_a_state_that_is_not_known_ends_nothing() -> None:
    assert Row("1", "OF_THE_FUTURE").phase == "waiting"


@given(st.text(), st.text(alphabet="0123456789-,:%[]N/A|\n", max_size=60))
def test_any_answer_of_squeue_is_read(text: str, elements: str) -> None:
    parse_queue(text, PREFIX)
    jobs = parse_queue(f"1|{elements}|RUNNING|n1|{NAME}|{NAME}|None", PREFIX)
    for found in jobs.values():
        found.element(3)


# -- the site ---------------------------------------------------------------------------------

CONFIG = "Configuration data as of 2026\nMaxArraySize            = 20001\nKillWait                = 5 sec\n"
PARTITIONS = (
    "PartitionName=all Default=YES MaxTime=UNLIMITED State=UP Nodes=n[1-2]\n"
    "PartitionName=short Default=NO MaxTime=1-02:03:00 State=UP\n"
    "PartitionName=gpu Default=NO MaxTime=00:30:00 State=DOWN\n"
    "PartitionName=empty Default=NO MaxTime=UNLIMITED State=UP\n"
)
SITE_NODES = (
    "NodeName=n1 CPUEfctv=30 CPUTot=32 Gres=(null) RealMemory=8000 Partitions=all,short OS=Linux #1 CPUTot=99\n"
    "NodeName=n2 CPUTot=4 Gres=gpu:a100:2(S:0-1),shard:8 RealMemory=16000 Partitions=all,gpu Reason=Gres=gpu:9\n"
)


def test_the_site_and_its_limits() -> None:
    site = parse_site(CONFIG, PARTITIONS, SITE_NODES)
    assert (site.max_array, site.kill_wait) == (20001, 5)
    assert {name: partition.max_minutes for name, partition in site.partitions.items()} == {
        "all": None, "short": 1440 + 123, "gpu": 30, "empty": None,
    }  # fmt: skip
    assert [(node.cpus, node.memory, node.gpus) for node in site.nodes.values()] == [
        (30, 8000, 0),
        (4, 16000, 2),
    ]
    assert (site.max_minutes(""), site.max_minutes("gpu,short"), site.max_minutes("gpu,all")) == (
        None,
        1563,
        None,
    )


def test_a_job_larger_than_any_node_is_refused() -> None:
    site = parse_site(CONFIG, PARTITIONS, SITE_NODES)
    assert site.refusal("", Demand(30)) == ""
    assert site.refusal("all", Demand(4, 16000, 2)) == ""
    # No single node has both.
    assert (
        site.refusal("", Demand(30, 16000))
        == "it needs 30 CPUs and 16000 MiB of memory, and no node of the default partition has that;"
        " the largest values are 30 CPUs, 16000 MiB of memory and 2 GPUs"
    )
    assert "no node of the partition 'short' has that" in site.refusal("short", Demand(1, 0, 1))
    assert site.refusal("gpu,short", Demand(30)) == ""
    assert (
        site.refusal("nope", Demand(1))
        == "the partition 'nope' does not exist; the site has all, empty, gpu, short"
    )
    assert site.refusal("empty", Demand(1)) == "the partition 'empty' has no nodes"
    no_default = parse_site(CONFIG, PARTITIONS.replace("YES", "NO"), SITE_NODES)
    assert no_default.refusal("", Demand(1)).startswith(
        "the site has no default partition; set the option 'partition'"
    )


# -- packing ----------------------------------------------------------------------------------


def test_packing_follows_durations() -> None:
    assert pack_size(1000, None, 10, 1) == 1
    assert pack_size(16, 0.001, 10, 1) == 1
    assert pack_size(1000, 0.1, 10, 1) == 63
    assert pack_size(100_000, 0.1, 10, 1) == 100
    assert pack_size(1000, 3600, 10, 1) == 1
    assert pack_size(1000, 5, 10, 4) == 8
    assert pack_size(1000, 0.0, 10, 4) == 63


@given(st.integers(0, 500), st.integers(1, 70))
def test_packing_keeps_each_attempt_once_and_in_order(count: int, pack: int) -> None:
    specs = [spec(number) for number in range(count)]
    elements = list(packed(specs, pack))
    assert [entry for element in elements for entry in element] == specs
    assert all(1 <= len(element) <= pack for element in elements)


def test_an_element_has_no_specifications_without_end() -> None:
    large = [spec(number, environment={"LARGE": "x" * 10_000_000}) for number in range(7)]
    assert [len(element) for element in packed(large, 7)] == [3, 3, 1]


def test_durations_of_a_task_are_those_of_its_last_attempts() -> None:
    durations = Durations()
    assert durations.typical(("j", "t")) is None
    for seconds in (1.0, 2.0, 90.0):
        durations.note(("j", "t"), seconds)
    assert (durations.typical(("j", "t")), durations.count(("j", "t"))) == (2.0, 3)
    for number in range(1500):
        durations.note(("j", str(number)), 1.0)
    assert durations.count(("j", "t")) == 0


# -- options, script --------------------------------------------------------------------------


def test_options_are_read_from_texts_tables_and_lists() -> None:
    settings = SlurmSettings.read(
        {
            "directory": "/shared/",
            "pack": 250,
            "grace": "30",
            "partition": "all",
            "ecs.s3.large.partition": "gpu",
            "types": {"bcs.a2.large": {"gres": "gpu:a100:1", "sbatch": ["--exclusive", "--mail-type=NONE"]}},
        }
    )
    assert (settings.directory, settings.pack, settings.grace) == ("/shared", 250, 30.0)
    assert settings.site_of("other") == SiteOptions(partition="all")
    assert settings.site_of("ecs.s3.large") == SiteOptions(partition="gpu")
    assert settings.site_of("bcs.a2.large") == SiteOptions(
        partition="all", gres="gpu:a100:1", sbatch=("--exclusive", "--mail-type=NONE")
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "the option 'directory' of the Slurm engine must name a directory that all nodes see"),
        ({"directory": "here"}, "the option 'directory' of the Slurm engine must be an absolute path"),
        ({"directory": "/a%b"}, "must be an absolute path without '%'"),
        ({"partitoin": "x"}, "the Slurm engine has no option 'partitoin'; it has directory, python"),
        ({"pack": "many"}, "the option 'pack' of the Slurm engine must be an integer from 0 to 100,000 (got 'many')"),
        ({"pack": True}, "the option 'pack' of the Slurm engine must be a text, a number"),
        ({"poll": "0.1"}, "the option 'poll' of the Slurm engine must be a number of seconds from 1"),
        ({"partition": "a b"}, "the option 'partition' of the Slurm engine must be a name of Slurm"),
        ({"big.memory": "8G"}, "the option 'big.memory' of the Slurm engine must be a number of MiB, or 'none'"),
        ({"sbatch": "--array=1-3"}, "the option 'sbatch' of the Slurm engine must be lines of the form --option=value"),
        ({"sbatch": ["-n 3"]}, "the option 'sbatch' of the Slurm engine must be lines"),
        ({"types": "x"}, "the option 'types' of the Slurm engine must be a table"),
        ({"deliver_logs": "some"}, "must be 'all' or 'failures' (got 'some')"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named(options: dict[str, object], message: str) -> None:
    given_options = options if not options or "directory" in options else {"directory": "/shared", **options}
    with pytest.raises(ConfigError) as error:
        SlurmSettings.read(given_options)
    assert message in str(error.value)


def test_the_documentation_has_all_options() -> None:
    page = (Path(__file__).parents[2] / "docs" / "slurm.md").read_text("utf-8")
    assert [name for name in NAMES if f"| `{name}` |" not in page] == []


def test_options_of_sbatch_and_the_script() -> None:
    site = SiteOptions(
        partition="gpu", account="lab", qos="low", constraint="a&b", licenses="x:2", sbatch=("--nice=5",)
    )
    job = ArrayJob(NAME, 12, "/shared/x", Demand(8, 4096, 2), 90, site, ("n3", "n4"))
    assert job.options() == [
        f"--job-name={NAME}", f"--comment={NAME}", "--array=0-11", "--no-requeue", "--nodes=1", "--ntasks=1",
        "--cpus-per-task=8", "--chdir=/", "--input=/dev/null", "--output=/shared/x/runner.log", "--open-mode=append",
        "--export=ALL", "--partition=gpu", "--account=lab", "--qos=low", "--constraint=a&b", "--gres=gpu:2",
        "--mem=4096M", "--licenses=x:2", "--time=90", "--exclude=n3,n4",
    ]  # fmt: skip
    none = ArrayJob(NAME, 1, "/x", Demand(1, 4096), None, SiteOptions(memory="none"))
    assert not any(option.startswith(("--mem", "--time", "--gres")) for option in none.options())
    settings = SlurmSettings("/shared", python="/opt/py", setup="module load x", parallel=4, work="/local")
    text = script(settings, job, 30)
    assert text.splitlines()[:4] == ["#!/bin/sh", "#SBATCH --nice=5", "umask 077", "module load x"]
    assert "exec /opt/py -m batchcompute.runner '/shared/x/specs-{index}.json' --slots=4" in text
    assert "--grace=20 --deliver-logs=all --work=/local" in text
    assert subprocess.run(["sh", "-n"], input=text, text=True).returncode == 0


def test_needs_of_an_element() -> None:
    one = spec(resources=Resources(1.5, 1000, 1))
    assert demand_of(one, SiteOptions(), 1) == Demand(2, 1000, 1)
    assert demand_of(one, SiteOptions(memory="50", gres="gpu:v100:2,other:4"), 3) == Demand(5, 150, 6)
    assert demand_of(one, SiteOptions(memory="none", gres="shard:1"), 1) == Demand(2, 0, 0)
    elements = [[spec(time_limit=60)] * 10, [spec(time_limit=600)]]
    assert minutes_of(elements, SiteOptions(), 1, None) == 15
    assert minutes_of(elements, SiteOptions(), 10, None) == 15
    assert minutes_of([[spec(time_limit=60)] * 100], SiteOptions(), 1, 30) == 30
    assert minutes_of(elements, SiteOptions(time=7), 1, None) == 7
    assert minutes_of(elements, SiteOptions(time=70), 1, 60) == 60


# -- decisions --------------------------------------------------------------------------------


def element(count: int = 2, job: str = "7", state: str = "", reason: str = "", node: str = "n1") -> Element:
    array = JobArray(NAME, "/shared", job, since=0.0)
    made = Element(array, 0, [], RecordReader("/nowhere"), node=node)
    made.attempts = [Tracked(f"t{number}", spec(number), element=made) for number in range(count)]
    made.row = Row(job, state, reason, node) if state else None
    return made


def verdicts(made: Element, now: float) -> tuple[list[object], bool, bool]:
    verdict = judge(made, now, 1000.0, grace=60.0, held_grace=100.0)
    for attempt, status in verdict.statuses:
        attempt.status = status
    return [attempt.status for attempt in made.attempts], verdict.end_job, verdict.blames_node


def test_a_waiting_element_shows_the_reason() -> None:
    made = element(state="PENDING", reason="Resources", node="")
    assert verdicts(made, 0)[0][0] == Pending("Slurm job 7_0 waits: it waits for free resources (Resources)")
    made = element(state="PENDING", reason="QOSMaxJobsPerUserLimit", node="")
    assert verdicts(made, 0)[0][0] == Pending("Slurm job 7_0 waits: QOSMaxJobsPerUserLimit")


def test_a_job_that_slurm_cannot_start_is_lost_at_once_and_a_held_one_later() -> None:
    made = element(state="PENDING", reason="launch failed requeued held")
    statuses, ends, blames = verdicts(made, 0)
    assert isinstance(statuses[0], Lost)
    assert (ends, blames) == (True, True)
    made = element(state="PENDING", reason="JobHeldAdmin", node="")
    assert isinstance(verdicts(made, 0)[0][0], Pending)
    assert isinstance(verdicts(made, 99)[0][0], Pending)
    statuses, ends, blames = verdicts(made, 100)
    assert isinstance(statuses[0], Lost)
    assert (ends, blames) == (True, False)


@pytest.mark.parametrize(
    ("state", "wait", "word", "blames"),
    [
        ("COMPLETED", 60, "has ended (COMPLETED), and the runner has started no program", True),
        ("FAILED", 60, "has ended (FAILED)", True),
        ("NODE_FAIL", 5, "its node has failed (NODE_FAIL)", True),
        ("BOOT_FAIL", 5, "its node has failed (BOOT_FAIL)", True),
        ("PREEMPTED", 5, "preempted", False),
        ("CANCELLED", 5, "ended by somebody else", False),
        ("OUT_OF_MEMORY", 5, "more memory", False),
        ("", 60, "vanished", False),
    ],
)
def test_an_element_without_records_is_lost_after_a_while(
    state: str, wait: float, word: str, blames: bool
) -> None:
    made = element(state=state)
    assert all(isinstance(status, Pending) for status in verdicts(made, 10)[0])
    assert all(isinstance(status, Pending) for status in verdicts(made, 10 + wait - 0.1)[0])
    statuses, _, blamed = verdicts(made, 10 + wait)
    assert all(
        isinstance(status, Lost) and word in status.reason and "on n1" in status.reason for status in statuses
    )
    assert blamed == blames


def test_a_record_counts_however_late_until_an_attempt_is_lost() -> None:
    made = element(state="COMPLETED")
    verdicts(made, 10)
    first, second = made.attempts
    assert take_record(first, Started("t0", "n1", time=5.0))
    assert not take_record(first, Started("t0", "n2", time=6.0))
    assert first.status == Running("n1", 5.0)
    assert take_record(first, Ended("t0", Exited(3)))
    statuses, _, blamed = verdicts(made, 70)
    assert statuses[0] == Exited(3)
    assert isinstance(statuses[1], Lost)
    assert blamed
    assert not take_record(second, Ended("t1", Exited(0)))
    assert second.status == statuses[1]


def test_an_element_that_comes_back_is_not_lost() -> None:
    """A controller that starts again does not know all jobs at first."""
    made = element()
    verdicts(made, 10)
    made.row = Row("7", "RUNNING", "", "n1")
    verdicts(made, 69)
    made.row = None
    assert all(isinstance(status, Pending) for status in verdicts(made, 71)[0])


def test_a_submission_without_an_answer_is_looked_for() -> None:
    made = element(job="", node="")
    assert verdicts(made, 29)[0][0] == Pending("Slurm has not confirmed the submission")
    assert isinstance(verdicts(made, 30)[0][0], Lost)


def test_cancelled_attempts_end_as_soon_as_their_job_has() -> None:
    made = element(state="CANCELLED")
    for attempt in made.attempts:
        attempt.is_cancelled = True
    assert verdicts(made, 0)[0][0] == Lost("it was cancelled (Slurm job 7_0 on n1)")


def test_the_time_limit_of_slurm_is_a_time_out_of_what_ran() -> None:
    made = element(state="TIMEOUT")
    take_record(made.attempts[0], Started("t0", "n1", time=900.0))
    verdicts(made, 0)
    first, second = verdicts(made, 5)[0]
    assert isinstance(first, Exited)
    assert (first.timed_out, first.outcome.error_code, first.started, first.ended) == (
        True,
        "Timeout",
        900.0,
        1000.0,
    )
    assert isinstance(second, Lost)
    assert "time limit" in second.reason


def test_nodes_that_lose_jobs_are_excluded_for_a_while() -> None:
    clock = SimulatedClock()
    watch = NodeWatch(clock, 3, 60.0)
    watch.note_success("n3")
    assert [watch.note_loss("n1") for _ in range(2)] == ["", ""]
    watch.note_success("n1")
    assert [watch.note_loss("n1") for _ in range(3)][:2] == ["", ""]
    assert watch.excluded(["n1", "n2"]) == ("n1",)
    for _ in range(3):
        watch.note_loss("n2")
    # One of them has to be tried.
    assert len(watch.excluded(["n1", "n2"])) == 1
    assert watch.excluded(["n1", "n2", "n3"]) == ("n1", "n2")
    clock.sleep(61)
    assert watch.excluded(["n1", "n2", "n3"]) == ()
    assert "n1 has lost 3 Slurm jobs in a row" in watch.note_loss("n1")
    watch.note_success("n1")
    assert watch.excluded(["n1", "n2", "n3"]) == ()
    assert watch.note_loss("") == ""


def test_no_node_is_excluded_for_an_error_of_the_options() -> None:
    watch = NodeWatch(SimulatedClock(), 2, 60.0)
    assert watch.note_loss("n1") == ""
    assert "is excluded" in watch.note_loss("n1")
    assert watch.excluded(["n1", "n2"]) == ("n1",)
    # The next node has the same trouble.
    assert "'python' and 'setup' may be wrong" in watch.note_loss("n2")
    assert watch.excluded(["n1", "n2"]) == ()
    # When another node works, the losses are those of the node.
    watch.note_success("n2")
    assert "is excluded" in watch.note_loss("n1")
    assert watch.excluded(["n1", "n2"]) == ("n1",)


# -- commands and files -----------------------------------------------------------------------


def fake(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)", UnreachableError),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying", UnreachableError),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates"
         " accounting/QOS policy (job submit limit, user's size and/or time limits)", UnreachableError),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", AmbiguousError),
        ("sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received", AmbiguousError),
        ("sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's"
         " size and/or time limits)", RefusedError),
        ("sbatch: error: invalid partition specified: nope", RefusedError),
        ("", RefusedError),
    ],
)  # fmt: skip
def test_errors_of_sbatch_are_sorted_by_their_meaning(
    tmp_path: Path, text: str, error: type[CommandsError]
) -> None:
    (tmp_path / "text").write_text(text)
    fake(tmp_path, "sbatch", f"cat {tmp_path}/text >&2; exit 1")
    with pytest.raises(error):
        Commands(5, {"PATH": f"{tmp_path}:/usr/bin:/bin"}).submit([], "")


def test_commands_have_time_limits_and_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("SECRET_OF_THE_SERVICE", "x")
    fake(tmp_path, "squeue", f"env > {tmp_path}/env; exec sleep 60")
    with pytest.raises(AmbiguousError, match="squeue does not answer within 0.3 seconds"):
        Commands(0.3).queue("%i")
    assert "SECRET_OF_THE_SERVICE" not in (tmp_path / "env").read_text()
    assert "SLURM_BITSTR_LEN=0" in (tmp_path / "env").read_text()
    fake(tmp_path, "sbatch", "echo a plugin says hello; echo '17;cluster'")
    assert Commands(5).submit([], "") == "17"
    fake(tmp_path, "sbatch", "echo nothing")
    with pytest.raises(AmbiguousError):
        Commands(5).submit([], "")
    with pytest.raises(UnreachableError, match="scancel cannot be run"):
        Commands(5, {"PATH": str(tmp_path)}).cancel("x")
    assert Commands(5, {"PATH": str(tmp_path)}).missing() == ["scancel", "scontrol"]


def test_messages_are_one_line() -> None:
    assert (
        message_of("sbatch: error: one.\nsbatch: error: one.\n\nsqueue: fatal: two\x1b[1m.\n")
        == "one.; two [1m"
    )


def test_the_files_of_a_job_array(tmp_path: Path) -> None:
    files = SharedFiles(tmp_path / "shared", lambda: "http://host:1/", "", lambda one: f"grant-{one.token}")
    files.write(NAME, [[spec(0), spec(1)], [spec(2)]])
    folder = tmp_path / "shared" / NAME
    assert {path.name for path in folder.iterdir()} == {"specs-0.json", "specs-1.json", "void.jsonl"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))
    read = parse_specs((folder / "specs-0.json").read_bytes())
    assert read.records == files.records(NAME, 0)
    assert read.endpoint == "http://host:1"
    assert [(entry.spec, entry.grant) for entry in read.attempts] == [
        (spec(0), "grant-t0"),
        (spec(1), "grant-t1"),
    ]
    files.void(NAME, ["t1"])
    assert [record.token for record in RecordReader(read.earlier_records[0]).new()] == ["t1"]
    (folder / "runner.log").write_text("first\n\x1b[31mlast\n\n")
    assert files.last_words(NAME) == "?[31mlast"
    files.remove(NAME)
    assert files.last_words(NAME) == ""
    files.void(NAME, ["t1"])
    files.remove(NAME)


def test_the_journal_survives(tmp_path: Path) -> None:
    path = tmp_path / "slurm" / "journal.jsonl"
    journal = Journal(path)
    journal.note_queued(["a", "b", "c", "d"])
    journal.note_array(NAME, [["a"], ["b", "c"]])
    journal.note_job(NAME, "17")
    journal.note_cancelled(NAME, ["b"])
    journal.note_array("other", [["x"]])
    journal.note_removed("other")
    journal.note_dropped(["d", "unknown"])
    journal.note_queued(["e"])
    journal.close()
    with path.open("ab") as file:
        file.write(b'\n{"array": "' + NAME.encode() + b'", "remo')
    for _ in range(2):
        journal = Journal(path)
        assert list(journal.queued) == ["e"]
        (array,) = journal.arrays.values()
        assert (array.name, array.elements, array.job, array.cancelled) == (
            NAME,
            [["a"], ["b", "c"]],
            "17",
            {"b"},
        )
        # A line after the one that was cut off is whole.
        journal.note_queued(["f"])
        journal.note_dropped(["f"])
        journal.close()
    journal = Journal(path)
    for _ in range(1500):
        journal.note_queued(["f"])
        journal.note_dropped(["f"])
    journal.close()
    Journal(path).close()
    assert len(path.read_bytes().split(b"\n")) < 20
    journal = Journal(path)
    assert list(journal.queued) == ["e"]
    assert journal.arrays[NAME].cancelled == {"b"}
    journal.close()


@pytest.mark.parametrize(
    "line", [b"[1]", b'{"array": "unknown", "job": "1"}', b"\xff", b'{"queued": 3}', b"{}"]
)
def test_a_damaged_line_of_the_journal_is_skipped(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(line + b"\n" + json.dumps({"queued": ["a"]}).encode() + b"\n")
    assert list(Journal(path).queued) == ["a"]

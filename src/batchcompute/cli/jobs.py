"""``batchcompute jobs``, ``job``, ``attempts``: what runs, what waits for what, and what failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from batchcompute.cli.completions import COMPLETE_JOB
from batchcompute.cli.connection import connected, part, wire
from batchcompute.cli.directory_state import stored_note
from batchcompute.cli.failures import say
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_fields, write_json, write_table
from batchcompute.cli.state import state_of
from batchcompute.cli.texts import clean
from batchcompute.cli.times import lasted, local_time, short_time

if TYPE_CHECKING:
    from batchcompute.client import Client

__all__: list[str] = []

STATES: Final = ("Waiting", "Running", "Finished", "Failed", "Stopped")
"""States of jobs, tasks and instances."""

_ACTIVE: Final = ("Waiting", "Running")

_EXITED: Final = ("Finished", "Failed")
"""States of attempts that have an exit code. The API has 0 for all others."""

_MAX_INSTANCES_READ: Final = 1000
"""Maximum number of instances that are read to find retries, for each task and state."""


def counts(metrics: Mapping[str, Any] | None) -> str:
    """Return the numbers of instances by state in words, without those that are 0.

    Args:
        metrics: The metrics of the API.
    """
    known = metrics or {}
    numbers = [(int(known.get(f"{state}Count") or 0), state.lower()) for state in STATES]
    return ", ".join(f"{number} {state}" for number, state in numbers if number)


def retries_of(client: Client, job: str) -> list[dict[str, Any]]:
    """Return the instances of a job that failed and are tried again, each with the name of its task.

    Args:
        client: The client.
        job: Id of the job.
    """
    retried: list[dict[str, Any]] = []
    for task in client.iter_tasks(job):
        for state in _ACTIVE:
            instances = client.iter_instances(job, task, state)
            for instance in islice(instances, _MAX_INSTANCES_READ):
                if instance.RetryCount:
                    retried.append({"TaskName": task.TaskName, **wire(instance)})
    return retried


def _is_failing(client: Client, job: dict[str, Any]) -> bool:
    """Return whether an instance of an active job has failed."""
    if job.get("State") not in _ACTIVE:
        return False
    return bool(part(job, "InstanceMetrics").get("FailedCount")) or bool(retries_of(client, job["Id"]))


@command(
    "jobs",
    epilog=examples(
        "batchcompute jobs",
        "batchcompute jobs --state Running --state Waiting",
        "batchcompute jobs --failing",
        "batchcompute jobs --json | jq -r '.[].Id'",
    ),
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES, case_sensitive=False),
    help="Only jobs in this state; can be repeated.",
)
@click.option(
    "--failing",
    is_flag=True,
    help="Only unfinished jobs with a failed or a retried instance.",
)
@click.option("--name", metavar="TEXT", help="Only jobs whose name contains this text.")
@click.option("--cluster", metavar="ID", default="", help="Only jobs that use this cluster.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(0),
    default=50,
    help="Maximum number of jobs, the newest first (default: 50; 0: all).",
)
@click.pass_context
def jobs_command(
    context: click.Context, states: tuple[str, ...], failing: bool, name: str | None, cluster: str, limit: int
) -> None:
    """List jobs, the newest first.

    The counts are numbers of instances. A waiting instance has not started; a running one occupies a slot.
    """
    state = state_of(context)
    with connected(state) as client:
        # The service filters by one state only.
        only: Any = states[0] if len(states) == 1 else ""
        listed = (
            wire(job) for job in client.iter_jobs(only, cluster, OrderBy="CreationTime", IsReverse="True")
        )
        selected = (
            job
            for job in listed
            if (not states or job.get("State") in states)
            and (not name or name in str(job.get("Name")))
            and (not failing or _is_failing(client, job))
        )
        rows = list(islice(selected, limit or None))
        note = stored_note(client)
    if state.json:
        write_json(rows)
        return
    if not rows:
        write("there are no such jobs" if states or failing or name or cluster else "there are no jobs")
        _say_note(note)
        return
    write_table(
        ("ID", "STATE", "CREATED", "TOOK", "NAME", "INSTANCES"),
        [
            (
                job.get("Id"),
                job.get("State"),
                short_time(job.get("CreationTime")),
                lasted(job.get("StartTime"), job.get("EndTime")),
                job.get("Name"),
                "; ".join(filter(None, (counts(job.get("InstanceMetrics")), _waits(job)))),
            )
            for job in rows
        ],
        1,
    )
    _say_note(note)


def _say_note(note: str) -> None:
    if note:
        say(f"batchcompute: {note}")


def _waits(job: Mapping[str, Any]) -> str:
    """Return what a job that has not ended waits for, and what went wrong so far; empty for nothing."""
    return str(job.get("Message") or "") if job.get("State") in _ACTIVE else ""


def reasons(tasks: Mapping[str, dict[str, Any]], dag: Mapping[str, Any]) -> dict[str, str]:
    """Return for each waiting task the reason why it waits.

    Args:
        tasks: The statuses of the tasks by name.
        dag: The description of the job's tasks and dependencies.
    """
    before: dict[str, list[str]] = {}
    for name, followers in part(dag, "Dependencies").items():
        for follower in followers:
            before.setdefault(str(follower), []).append(name)
    texts: dict[str, str] = {}
    for name, task in tasks.items():
        if not part(task, "InstanceMetrics").get("WaitingCount") or task.get("State") not in _ACTIVE:
            continue
        open_ones = [one for one in before.get(name, ()) if tasks.get(one, {}).get("State") != "Finished"]
        description = part(dag, "Tasks", name)
        cluster = description.get("ClusterId") or part(description, "AutoCluster").get("ClusterId")
        if open_ones:
            texts[name] = f"after {', '.join(sorted(open_ones))}"
        else:
            texts[name] = f"for a machine of {cluster}" if cluster else "for a free slot"
    return texts


def _failures(client: Client, job: str, tasks: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield at most 10 failed instances of each task."""
    for name in tasks:
        for instance in islice(client.iter_instances(job, name, "Failed"), 10):
            yield {"TaskName": name, **wire(instance)}


@command("job", epilog=examples("batchcompute job job-0001", "batchcompute job job-0001 --json | jq .Tasks"))
@click.argument("id", shell_complete=COMPLETE_JOB)
@click.pass_context
def job_command(context: click.Context, id: str) -> None:
    """Show the job with an ID: its tasks, what waits for what, and what failed."""
    state = state_of(context)
    with connected(state) as client:
        job = wire(client.get_job(id))
        description: dict[str, Any] = client.get_job_description(id).content
        dag: dict[str, Any] = description.get("DAG") or {}
        tasks = {str(task.TaskName): wire(task) for task in client.iter_tasks(id)}
        failed = list(
            _failures(
                client,
                id,
                (name for name, task in tasks.items() if part(task, "InstanceMetrics").get("FailedCount")),
            )
        )
        retried = retries_of(client, id) if job.get("State") in _ACTIVE else []
        note = stored_note(client) if job.get("State") in _ACTIVE else ""
    waits = reasons(tasks, dag)
    if state.json:
        shown = [{**task, "Waits": waits.get(name, "")} for name, task in tasks.items()]
        write_json({**job, "Tasks": shown, "FailedInstances": failed, "RetriedInstances": retried})
        return
    write_fields(
        [
            ("Job", job.get("Id")),
            ("Name", job.get("Name")),
            ("State", job.get("State")),
            ("Message", job.get("Message")),
            ("Created", local_time(job.get("CreationTime"))),
            ("Started", local_time(job.get("StartTime"))),
            ("Ended", local_time(job.get("EndTime"))),
            ("Took", lasted(job.get("StartTime"), job.get("EndTime"))),
        ]
    )
    write("")
    write_table(
        ("TASK", "STATE", "TOOK", "INSTANCES", "WAITS"),
        [
            (
                name,
                task.get("State"),
                lasted(task.get("StartTime"), task.get("EndTime")),
                counts(task.get("InstanceMetrics")),
                waits.get(name, ""),
            )
            for name, task in tasks.items()
        ],
        1,
    )
    for heading, instances in (("Failed", failed), ("Tried again", retried)):
        if instances:
            write("")
            write(f"{heading}:")
        for instance in instances:
            write(f"  {outcome(instance)}")
    _say_note(note)


def outcome(instance: Mapping[str, Any]) -> str:
    """Return one line about an instance that failed.

    Args:
        instance: Its status with ``TaskName``.
    """
    result = part(instance, "Result")
    retries = instance.get("RetryCount") or 0
    parts = [f"{instance.get('TaskName')}[{instance.get('InstanceId')}]"]
    if result.get("ErrorCode") or result.get("ErrorMessage"):
        parts.append(f"{result.get('ErrorCode')}: {result.get('ErrorMessage')}")
    if retries:
        parts.append(f"(retries: {retries})")
    return clean(" ".join(parts))


@command(
    "attempts",
    epilog=examples("batchcompute attempts job-0001", "batchcompute attempts job-0001 split 2"),
)
@click.argument("id", shell_complete=COMPLETE_JOB)
@click.argument("task", required=False)
@click.argument("number", required=False, type=click.IntRange(0))
@click.pass_context
def attempts_command(context: click.Context, id: str, task: str | None, number: int | None) -> None:
    """Show the attempts of the job with an ID, of one TASK, or of the instance with a NUMBER."""
    state = state_of(context)
    rows: list[dict[str, Any]] = []
    with connected(state) as client:
        for name in [task] if task else [str(one.TaskName) for one in client.iter_tasks(id)]:
            numbers = (
                [number]
                if number is not None
                else [int(one.InstanceId) for one in client.iter_instances(id, name)]
            )
            for instance in numbers:
                for attempt in client.iter_attempts(id, name, instance):
                    row = wire(attempt)
                    row["ExitCode"] = row.get("ExitCode") if row.get("State") in _EXITED else None
                    rows.append({"TaskName": name, "InstanceId": instance, **row})
    if state.json:
        write_json(rows)
        return
    if not rows:
        write("there are no attempts yet")
        return
    write_table(
        ("TASK", "INSTANCE", "ATTEMPT", "STATE", "STARTED", "TOOK", "EXIT", "NODE", "ERROR"),
        [
            (
                row["TaskName"],
                row["InstanceId"],
                row.get("Number"),
                row.get("State"),
                short_time(row.get("StartTime")),
                lasted(row.get("StartTime"), row.get("EndTime")),
                "" if row["ExitCode"] is None else row["ExitCode"],
                row.get("NodeIp"),
                ": ".join(str(row[key]) for key in ("ErrorCode", "ErrorMessage") if row.get(key)),
            )
            for row in rows
        ],
        3,
    )

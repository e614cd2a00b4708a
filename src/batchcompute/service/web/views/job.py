"""A job: its state, why it waits or failed, its DAG, its tasks and its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from batchcompute.resources import JobDescription
from batchcompute.service.clock import SYSTEM_CLOCK
from batchcompute.service.domain.states import STATES
from batchcompute.service.web import dag, timeline
from batchcompute.service.web.api import OwnerApi
from batchcompute.service.web.requests import View, ViewRequest, url
from batchcompute.service.web.views.jobs import actions_of, bar_of

__all__: list[str] = []

MOST_DRAWN: Final = 150
"""Tasks of a DAG that is drawn; a larger one is shown by its columns."""

MOST_LISTED: Final = 500
"""Tasks that the table shows."""

_MOST_FAILURES: Final = 8
"""Failed attempts that are shown."""

_SEARCHED: Final = 20_000
"""Instances that are searched for failed ones before other threads get the database."""


def show_job(request: ViewRequest) -> View:
    """Return the page of a job."""
    api, job_id = request.api, request.path["job"]
    job = api.get("jobs", job_id)
    description = api.get("jobs", job_id, description="1")
    tasks = api.every("jobs", job_id, "tasks")
    followers = followers_of(description, [task["TaskName"] for task in tasks])
    with api.store.read() as transaction:
        row = transaction.jobs.find(job_id, api.owner)
        seq = row.seq if row else 0
        retried = transaction.overview.retried_by_task(seq)
        queued, reason = transaction.overview.queued(seq)
        busy = transaction.instances.count_active()
    shown = shown_tasks(job, tasks, followers, retried, busy, api.service.slots)
    line = timeline.build(
        api.store,
        seq,
        [(task["TaskName"], timeline.started_of(task["InstanceMetrics"])) for task in tasks],
        job["StartTime"],
        job["EndTime"],
        SYSTEM_CLOCK.time(),
    )
    names = [task["TaskName"] for task in tasks]
    content: dict[str, Any] = {
        "job": job,
        "bar": bar_of(job["InstanceMetrics"]),
        "retried": sum(retried.values()),
        "queued": queued,
        "queue_reason": reason if reason not in job["Message"] else "",
        "priority": description.get("Priority") or 0,
        "text": text_of(description),
        "actions": [(action, url("jobs", job_id, action)) for action in actions_of(job["State"])],
        "why": why_of(job, busy, api.service.slots),
        "tasks": shown[:MOST_LISTED],
        "task_count": len(tasks),
        "drawing": _drawing(shown, followers),
        "levels": _levels(shown, followers),
        "timeline": line,
        "failures": _failures(api, seq, tasks, job_id, names),
        "job_url": url("jobs", job_id),
        "search_url": f"/?q={job_id}",
    }
    return View("job.html", job["Name"], "jobs", content)


def text_of(description: Mapping[str, Any]) -> str:
    """Return the description that somebody wrote; the default says nothing about the job.

    Args:
        description: The description of the job.
    """
    text = description.get("Description") or ""
    return "" if text == JobDescription.model_fields["description"].default else text


def followers_of(description: Mapping[str, Any], names: Sequence[str]) -> dict[str, list[str]]:
    """Return for each task those that start after it, as far as they exist."""
    dag_description: Mapping[str, Any] = description.get("DAG") or {}
    dependencies: Mapping[str, Sequence[str]] = dag_description.get("Dependencies") or {}
    known = set(names)
    return {
        name: [follower for follower in dependencies.get(name, ()) if follower in known] for name in names
    }


def shown_tasks(
    job: Mapping[str, Any],
    tasks: Sequence[dict[str, Any]],
    followers: Mapping[str, Sequence[str]],
    retried: Mapping[int, int],
    busy: int,
    slots: int,
) -> list[dict[str, Any]]:
    """Return the tasks with what the page says about them."""
    unfinished = _blockers(tasks, followers)
    shown: list[dict[str, Any]] = []
    for position, task in enumerate(tasks):
        name = task["TaskName"]
        bar = bar_of(task["InstanceMetrics"])
        state = (
            "Failing" if retried.get(position) and task["State"] in ("Waiting", "Running") else task["State"]
        )
        waits = ""
        if task["State"] == "Waiting" and job["State"] in ("Waiting", "Running"):
            waits = _waits_for(unfinished[name]) or "Ready, waits for a free slot"
        elif task["State"] == "Running" and task["InstanceMetrics"]["WaitingCount"] and busy >= slots:
            waits = f"The others wait for a free slot: {busy} of {slots} are taken"
        shown.append(
            {**task, "shown_state": state, "bar": bar, "retried": retried.get(position, 0), "waits": waits,
             "url": url("jobs", job["Id"], "tasks", name)}
        )  # fmt: skip
    return shown


def _blockers(
    tasks: Sequence[Mapping[str, Any]], followers: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return for each task those that have to finish before it starts."""
    unfinished: dict[str, list[str]] = {task["TaskName"]: [] for task in tasks}
    for task in tasks:
        if task["State"] != "Finished":
            for follower in followers.get(task["TaskName"], ()):
                unfinished[follower].append(task["TaskName"])
    return unfinished


def _waits_for(blockers: Sequence[str]) -> str:
    """Return a sentence about the tasks that another one waits for; empty if there are none."""
    if not blockers:
        return ""
    more = f" and {len(blockers) - 3} more" if len(blockers) > 3 else ""
    return f"Waits for {', '.join(blockers[:3])}{more}"


def waiting_reason(api: OwnerApi, job: Mapping[str, Any], name: str) -> str:
    """Return why instances of a task wait; empty if the job does not run.

    Args:
        api: The API for the owner.
        job: The job.
        name: Name of the task, of which at least one instance waits.
    """
    if job["State"] not in ("Waiting", "Running"):
        return ""
    description = api.get("jobs", job["Id"], description="1")
    tasks = api.every("jobs", job["Id"], "tasks")
    blockers = _blockers(tasks, followers_of(description, [task["TaskName"] for task in tasks]))
    sentence = _waits_for(blockers.get(name, ()))
    if sentence:
        return f"{sentence}."
    # The reason of the job is that of its tasks that are ready.
    return job["Message"] or "Ready, waits for a free slot."


def why_of(job: Mapping[str, Any], busy: int, slots: int) -> tuple[str, str]:
    """Return a heading and a text: why a job waits or failed; empty texts for neither."""
    message = job["Message"]
    metrics = job["InstanceMetrics"]
    if job["State"] == "Failed":
        return "Why it failed", message or "An instance failed and had no retries left."
    if job["State"] in ("Waiting", "Running"):
        if message:
            return ("Why it waits" if job["State"] == "Waiting" else "What it waits for"), message
        if metrics["WaitingCount"] and not metrics["RunningCount"]:
            free = f"{busy} of {slots} slots are taken."
            return "Why it waits", f"{free} Its next instances start as soon as the service has chosen them."
        return "", ""
    return ("Note", message) if message else ("", "")


def _drawing(tasks: Sequence[Mapping[str, Any]], followers: Mapping[str, Sequence[str]]) -> Any:
    """Return the drawing of a DAG; None for one that is too large, or has one task only."""
    if not 1 < len(tasks) <= MOST_DRAWN:
        return None
    layout = dag.lay_out([task["TaskName"] for task in tasks], followers)
    by_name = {task["TaskName"]: task for task in tasks}
    return {
        "width": layout.width,
        "height": layout.height,
        "boxes": [(box, by_name[box.name], label_of(box.name)) for box in layout.boxes],
        "arrows": [(arrow.path, by_name[arrow.source]["State"]) for arrow in layout.arrows],
        "box_width": dag.WIDTH,
        "box_height": dag.HEIGHT,
    }


def label_of(name: str) -> str:
    """Return a name that fits into a box."""
    return name if len(name) <= 17 else f"{name[:16]}\N{HORIZONTAL ELLIPSIS}"


def _levels(
    tasks: Sequence[Mapping[str, Any]], followers: Mapping[str, Sequence[str]]
) -> list[tuple[int, int, dict[str, Any]]]:
    """Return the columns of a large DAG: number, number of tasks, and progress."""
    if len(tasks) <= MOST_DRAWN:
        return []
    columns = dag.columns_of([task["TaskName"] for task in tasks], followers)
    levels: dict[int, list[Mapping[str, Any]]] = {}
    for task in tasks:
        levels.setdefault(columns[task["TaskName"]], []).append(task)
    return [
        (number + 1, len(members), bar_of({f"{state}Count": sum(m["State"] == state for m in members) for state in STATES}))
        for number, members in sorted(levels.items())
    ]  # fmt: skip


def _failures(
    api: OwnerApi, seq: int, tasks: Sequence[Mapping[str, Any]], job_id: str, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the last failures of a job."""
    with api.store.read() as transaction:
        failures = transaction.overview.retried_failures(seq, _MOST_FAILURES)
    for position, task in enumerate(tasks):
        if not task["InstanceMetrics"]["FailedCount"]:
            continue
        size = sum(task["InstanceMetrics"][f"{state}Count"] for state in STATES)
        for start in range(0, size, _SEARCHED):
            if len(failures) >= 2 * _MOST_FAILURES:
                break
            with api.store.read() as transaction:
                failures += transaction.overview.failures(
                    seq, position, start, start + _SEARCHED, _MOST_FAILURES
                )
            api.store.let_others()
    failures.sort(key=lambda failure: failure.ended, reverse=True)
    return [
        {"failure": failure, "name": f"{names[failure.key[1]]} {failure.key[2]}",
         "url": url("jobs", job_id, "tasks", names[failure.key[1]], failure.key[2])}
        for failure in failures[:_MOST_FAILURES]
        if failure.key[1] < len(names)
    ]  # fmt: skip

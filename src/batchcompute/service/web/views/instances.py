"""A task with its instances, and an instance with its attempts and its output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from batchcompute.service.domain.states import STATES
from batchcompute.service.web import logs
from batchcompute.service.web.api import OwnerApi, PageError
from batchcompute.service.web.requests import View, ViewRequest, url
from batchcompute.service.web.views.job import waiting_reason
from batchcompute.service.web.views.jobs import bar_of

__all__: list[str] = []

PAGE: Final = 100
"""Instances on one page."""

STREAMS: Final = ("stdout", "stderr")
"""The outputs of a program."""

_MOST_ATTEMPTS: Final = 1000

_FIRST_ATTEMPTS: Final = 8
"""Attempts that stand before the output; the rest are one click away."""


def show_task(request: ViewRequest) -> View:
    """Return the page of a task."""
    api, path, query = request.api, request.path, request.query
    names = ("jobs", path["job"], "tasks", path["task"])
    job = api.get("jobs", path["job"])
    task = api.get(*names)
    state = query.get("state", "")
    if state and state not in STATES:
        raise PageError(400, f"There is no state {state[:60]!r}. It is one of {', '.join(STATES)}.")
    page = api.get(*names, "instances", MaxItemCount=PAGE, Marker=query.get("from", ""), State=state)
    metrics = task["InstanceMetrics"]
    tabs = [("", "All", sum(metrics[f"{name}Count"] for name in STATES))]
    tabs += [(name, name, metrics[f"{name}Count"]) for name in STATES]
    content = {
        "job": job,
        "task": task,
        "why": waiting_reason(api, job, path["task"]) if metrics["WaitingCount"] else "",
        "bar": bar_of(metrics),
        "instances": [{**item, "url": url(*names, item["InstanceId"])} for item in page["Items"]],
        "state": state,
        "tabs": [(name, label, count, _link(names, name)) for name, label, count in tabs],
        "next": _link(names, state, page["NextMarker"]) if page["NextMarker"] else "",
        "first": _link(names, state) if query.get("from") else "",
        "job_url": url("jobs", path["job"]),
    }
    return View("task.html", f"{path['task']} of {job['Name']}", "jobs", content)


def _link(names: tuple[str, ...], state: str, start: str = "") -> str:
    pairs = urlencode({name: value for name, value in (("state", state), ("from", start)) if value})
    return f"{url(*names)}?{pairs}" if pairs else url(*names)


def show_instance(request: ViewRequest) -> View:
    """Return the page of an instance."""
    api, path = request.api, request.path
    names = ("jobs", path["job"], "tasks", path["task"], "instances", path["instance"])
    job = api.get("jobs", path["job"])
    instance = api.get(*names)
    attempts = api.every(*names, "attempts", most=_MOST_ATTEMPTS)
    newest = list(reversed(attempts))
    content = {
        "job": job,
        "task_name": path["task"],
        "instance": instance,
        "why": waiting_reason(api, job, path["task"]) if instance["State"] == "Waiting" else "",
        "attempts": newest if request.query.get("attempts") == "all" else newest[:_FIRST_ATTEMPTS],
        "attempt_count": len(attempts),
        "all_attempts": f"{url(*names[:4], path['instance'])}?attempts=all",
        "job_url": url("jobs", path["job"]),
        "task_url": url("jobs", path["job"], "tasks", path["task"]),
        # The script of the page follows the output by itself.
        "log": None if request.is_update else _log(request, instance),
    }
    title = f"{path['task']} {instance['InstanceId']} of {job['Name']}"
    return View("instance.html", title, "jobs", content, below="log.html")


def log_url(api: OwnerApi, path: Mapping[str, str], stream: str) -> str:
    """Return the URL of the object with an output of an instance.

    Args:
        api: The API for the owner.
        path: Job, task and instance.
        stream: ``stdout`` or ``stderr``.

    Raises:
        PageError: There is no such instance or output, or the output is not kept.
    """
    if stream not in STREAMS:
        raise PageError(400, f"There is no output {stream[:60]!r}. It is stdout or stderr.")
    instance = api.get("jobs", path["job"], "tasks", path["task"], "instances", path["instance"])
    object_url = str(instance[f"{stream.capitalize()}RedirectPath"])
    if not object_url:
        raise PageError(404, _not_kept(stream))
    return object_url


def _not_kept(stream: str) -> str:
    return f"{stream} is not kept: the task has no {stream.capitalize()}RedirectPath."


def _log(request: ViewRequest, instance: dict[str, Any]) -> dict[str, Any]:
    """Return a piece of the output for the page, which is readable without a script."""
    api, path, query = request.api, request.path, request.query
    stream = query.get("stream", "") or _interesting(instance)
    if stream not in STREAMS:
        raise PageError(400, f"There is no output {stream[:60]!r}. It is stdout or stderr.")
    own = url("jobs", path["job"], "tasks", path["task"], path["instance"])
    object_url = str(instance[f"{stream.capitalize()}RedirectPath"])
    result: dict[str, Any] = {
        "stream": stream,
        "tabs": [(name, f"{own}?stream={name}#log") for name in STREAMS],
        "url": f"{own}/log?stream={stream}",
        "raw": f"{own}/raw?stream={stream}",
        "piece": None,
        "problem": "",
        "earlier": "",
        "later": "",
        "start": "",
        "end": f"{own}?stream={stream}#log",
        "is_end": True,
        "running": instance["State"] == "Running",
    }
    if not object_url:
        return {**result, "problem": _not_kept(stream), "raw": ""}
    at, end = query.get("at", ""), query.get("end", "")
    if at.isdecimal() and len(at) < 16:
        piece, problem = logs.log_or_problem(lambda: logs.part(api, object_url, int(at)))
    elif end.isdecimal() and len(end) < 16:
        piece, problem = logs.log_or_problem(lambda: logs.before(api, object_url, int(end)))
    else:
        piece, problem = logs.log_or_problem(lambda: logs.tail(api, object_url))
    result.update(piece=piece, problem=problem)
    if piece is None:
        return result
    shown_end = piece.size if piece.open_html else piece.next
    result["is_end"] = shown_end >= piece.size
    if piece.start > 0:
        result["earlier"] = f"{own}?stream={stream}&end={piece.start}#log"
        result["start"] = f"{own}?stream={stream}&at=0#log"
    if not result["is_end"]:
        result["later"] = f"{own}?stream={stream}&at={piece.next}#log"
    return result


def _interesting(instance: dict[str, Any]) -> str:
    """Return the output that is shown first: a failed program says why on stderr."""
    return "stderr" if instance["State"] == "Failed" and instance["StderrRedirectPath"] else "stdout"

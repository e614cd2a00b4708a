"""The list of jobs, with filters, search and counts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode

from batchcompute.service.api.routes import BEHIND_ALL
from batchcompute.service.domain.states import ALLOWED, STATES
from batchcompute.service.web.api import PageError
from batchcompute.service.web.requests import View, ViewRequest, url

__all__: list[str] = []

PAGE: Final = 50
"""Jobs on one page."""

LONGEST_SEARCH: Final = 100
"""Characters of a search."""

_STATES: Final = ("", "Running", "Waiting", "Failing", "Finished", "Failed", "Stopped")


def list_jobs(request: ViewRequest) -> View:
    """Return the list of jobs."""
    api, query = request.api, request.query
    state = query.get("state", "")
    if state not in _STATES:
        raise PageError(400, f"There is no state {state[:60]!r}. It is one of {', '.join(_STATES[1:])}.")
    text = query.get("q", "").strip()[:LONGEST_SEARCH]
    before = query.get("before", "")
    start = int(before) if before.isdecimal() and len(before) < 16 else BEHIND_ALL
    listed, more = _find(request, text, state, start)
    with api.store.read() as transaction:
        totals = transaction.overview.totals(api.owner)
        retried = transaction.overview.retried([_seq(job) for job in listed])
        busy = transaction.instances.count_active()
    jobs = [
        {
            **job,
            "retried": retried.get(_seq(job), 0),
            "url": url("jobs", job["Id"]),
            "bar": bar_of(job["InstanceMetrics"]),
        }
        for job in listed
    ]
    counts: dict[str, int] = {name: totals.jobs.get(name, 0) for name in STATES}
    counts["Failing"] = totals.failing
    counts[""] = sum(totals.jobs.values())
    tabs = [(name, name or "All", counts[name], _link(name, text)) for name in _STATES]
    content = {
        "jobs": jobs,
        "tabs": tabs,
        "state": state,
        "text": text,
        "totals": totals,
        "busy": busy,
        "slots": api.service.slots,
        "older": _link(state, text, _seq(listed[-1])) if more else "",
        "newest": _link(state, text) if before else "",
        "all_jobs": counts[""],
    }
    return View("jobs.html", "Jobs", "jobs", content)


def _link(state: str, text: str, before: int = 0) -> str:
    query = {"state": state, "q": text, "before": str(before or "")}
    pairs = urlencode({name: value for name, value in query.items() if value})
    return f"/?{pairs}" if pairs else "/"


def _find(request: ViewRequest, text: str, state: str, start: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the jobs of a page, the newest first, and whether there are older ones."""
    api = request.api
    if not text and state != "Failing" and start == BEHIND_ALL:
        page = api.get("jobs", MaxItemCount=PAGE, IsReverse="true", State=state)
        return page["Items"], bool(page["NextMarker"])
    with api.store.read() as transaction:
        matches = transaction.overview.find_jobs(
            api.owner, text, "" if state == "Failing" else state, state == "Failing", start, PAGE + 1
        )
    jobs: list[dict[str, Any]] = []
    for _, job_id in matches[:PAGE]:
        # A job may be deleted meanwhile.
        with suppress(PageError):
            jobs.append(api.get("jobs", job_id))
    return jobs, bool(jobs) and len(matches) > PAGE


def _seq(job: Mapping[str, Any]) -> int:
    """Return the row number of a job, which is the end of its id."""
    return int(job["Id"][-8:], 16)


def bar_of(metrics: dict[str, int]) -> dict[str, Any]:
    """Return the parts of a bar of progress.

    Args:
        metrics: The number of instances in each state.
    """
    total = sum(metrics[f"{state}Count"] for state in STATES)
    parts: list[tuple[str, float, float]] = []
    x = 0.0
    for state in ("Finished", "Running", "Failed", "Stopped"):
        count = metrics[f"{state}Count"]
        if count:
            width = count / max(total, 1) * 1000
            parts.append((state, round(x, 1), round(width, 1)))
            x += width
    counts = [(state, metrics[f"{state}Count"]) for state in STATES if metrics[f"{state}Count"]]
    return {"parts": parts, "total": total, "done": metrics["FinishedCount"], "counts": counts}


def actions_of(state: str) -> list[str]:
    """Return the actions that a job allows in a state."""
    return [action for action in ("stop", "start", "delete") if state in ALLOWED[action]]

"""The list of jobs, with filters, search and counts."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from batchcompute.service.api.params import BEHIND_ALL
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
    with api.store.read() as transaction:
        totals = transaction.overview.totals(api.owner)
        matches = transaction.overview.find_jobs(
            api.owner, text, "" if state == "Failing" else state, state == "Failing", start, PAGE + 1
        )
        retried = transaction.overview.retried([seq for seq, _ in matches])
        busy = transaction.instances.count_active()
    shown = matches[:PAGE]
    jobs = [job for seq, job_id in shown if (job := _row(request, seq, job_id, retried)) is not None]
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
        "older": _link(state, text, shown[-1][0]) if len(matches) > PAGE else "",
        "newest": _link(state, text) if before else "",
        "all_jobs": counts[""],
    }
    return View("jobs.html", "Jobs", "jobs", content)


def _link(state: str, text: str, before: int = 0) -> str:
    query = {"state": state, "q": text, "before": str(before or "")}
    pairs = urlencode({name: value for name, value in query.items() if value})
    return f"/?{pairs}" if pairs else "/"


def _row(request: ViewRequest, seq: int, job_id: str, retried: dict[int, int]) -> dict[str, Any] | None:
    try:
        job: dict[str, Any] = request.api.get("jobs", job_id)
    except PageError:
        # The job was deleted meanwhile.
        return None
    return {
        **job,
        "retried": retried.get(seq, 0),
        "url": url("jobs", job_id),
        "bar": bar_of(job["InstanceMetrics"]),
    }


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

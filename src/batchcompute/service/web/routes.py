"""The routes of the page: paths of views, of actions, of logs and of downloads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from batchcompute.service.requests import decoded
from batchcompute.service.web.api import OwnerApi, PageError
from batchcompute.service.web.requests import View, ViewRequest
from batchcompute.service.web.views import clusters, instances, job, jobs, state, storage

__all__: list[str] = []

ViewFunction: TypeAlias = Callable[[ViewRequest], View]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


_JOB: Final = "/-/jobs/{job}"
_INSTANCE: Final = _JOB + "/tasks/{task}/{instance}"

VIEWS: Final[Mapping[str, ViewFunction]] = {
    "/": jobs.list_jobs,
    "/-/jobs": jobs.list_jobs,
    _JOB: job.show_job,
    _JOB + "/tasks/{task}": instances.show_task,
    _INSTANCE: instances.show_instance,
    "/-/clusters": clusters.list_clusters,
    "/-/clusters/{cluster}": clusters.show_cluster,
    "/-/storage": storage.list_buckets,
    "/-/storage/{bucket}": storage.list_objects,
    "/-/service": state.show_service,
}
"""The view of each path."""

_VIEWS: Final = [(_pattern(path), view) for path, view in VIEWS.items()]
_ACTION: Final = _pattern(_JOB + "/{action}")
_LOG: Final = _pattern(_INSTANCE + "/{part}")
_OBJECT: Final = _pattern("/-/storage/{bucket}/object")


def _names(match: re.Match[str]) -> dict[str, str]:
    return {name: decoded(value) for name, value in match.groupdict().items()}


def find_view(path: str) -> tuple[ViewFunction, Mapping[str, str]]:
    """Return the view of a path, and the variable parts of the path.

    Raises:
        PageError: There is no such page.
        BadTarget: The path is malformed.
    """
    for pattern, view in _VIEWS:
        match = pattern.fullmatch(path)
        if match is not None:
            return view, _names(match)
    raise PageError(404, "There is no such page.")


def find_action(path: str) -> tuple[str, str]:
    """Return the job and the action of a form.

    Raises:
        PageError: There is no such action.
        BadTarget: The path is malformed.
    """
    match = _ACTION.fullmatch(path)
    if match is None or match["action"] not in ("stop", "start", "delete"):
        raise PageError(404, "There is no such action.")
    return decoded(match["job"]), match["action"]


def find_log(path: str) -> tuple[Mapping[str, str], str] | None:
    """Return the instance of a path of a log, and which part of the log is wanted; None for another path."""
    match = _LOG.fullmatch(path)
    if match is None or match["part"] not in ("log", "follow"):
        return None
    names = _names(match)
    return names, names.pop("part")


def download_url(path: str, query: Mapping[str, str]) -> Callable[[OwnerApi], str] | None:
    """Return a function that returns the URL of the object that a path downloads; None for another path.

    Args:
        path: The path.
        query: The query.
    """
    match = _OBJECT.fullmatch(path)
    if match is not None:
        bucket, key = decoded(match["bucket"]), query.get("key", "")
        if not key:
            raise PageError(404, "There is no such object.")
        return lambda _api: f"oss://{bucket}/{key}"
    match = _LOG.fullmatch(path)
    if match is None or match["part"] != "raw":
        return None
    names = _names(match)
    return lambda api: instances.log_url(api, names, query.get("stream", "stdout"))

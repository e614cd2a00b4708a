"""The API as one table, and one small function an operation: arguments in, a `Call` out.

The table (`OPERATIONS`) holds method, path, query, body, answer and status of each operation (REST API, 2.0),
and what may be sent again. Both clients, the service's routes and the documentation are made from
it. A `Call` is plain data, and parsing its answer is pure; nothing here sends anything.
"""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Protocol, SupportsIndex, TypeAlias, TypeVar
from urllib.parse import quote

from batchcompute.api.responses import ActionResponse, CreateResponse, HttpResponse, ListResponse
from batchcompute.errors import Problem, ValidationError

if TYPE_CHECKING:
    from batchcompute.models.base import Jsonizable

__all__ = ["OPERATIONS", "Call", "HasId", "HasName", "IdLike", "Operation", "RetryClass"]

A_co = TypeVar("A_co", covariant=True)

RetryClass: TypeAlias = Literal["read", "create", "change", "delete", "action"]
"""What sending an operation twice would do.

``read``: nothing. ``create``: make two resources, unless both carry the same token. ``change``: set
the same values again. ``delete``: be answered 404. ``action``: be refused, or act again.
"""


class HasId(Protocol):
    """Anything that has an id: a status, or the answer to a create."""

    @property
    def Id(self) -> str:  # noqa: N802
        """The id."""
        ...


class HasName(Protocol):
    """Anything that has a name: the status of an app, or the answer to its create."""

    @property
    def Name(self) -> str:  # noqa: N802
        """The name."""
        ...


IdLike: TypeAlias = "str | HasId"
"""An id, or anything that has one."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    name: str
    """Name of the client's method."""
    api: str
    """Name in the vendor's documents."""
    method: str
    """HTTP method."""
    path: str
    """Path with ``{Names}`` for its variable parts."""
    response: str
    """Class of the answer, in `responses` or `answers`; of an item, for lists."""
    status: int
    """Status that a success has."""
    retry_class: RetryClass
    """What sending it twice would do."""
    query: tuple[str, ...] = ()
    """Names that its query may have."""
    flags: tuple[str, ...] = ()
    """Query names that tell it from another operation with the same method and path."""
    body: str = ""
    """Class of its body in `resources`; empty for none."""
    section: str = ""
    """Section of docs/rest-api.md."""
    status_operation: str = ""
    """The operation whose answer tells what became of this one when its own answer was lost."""

    @property
    def takes_token(self) -> bool:
        """Whether it takes an ``IdempotentToken``."""
        return "IdempotentToken" in self.query

    @property
    def is_list(self) -> bool:
        """Whether it answers with a page of a list."""
        return "MaxItemCount" in self.query


_PAGE = ("Marker", "MaxItemCount")
_JOB = "/jobs/{JobId}"
_TASK = _JOB + "/tasks/{TaskName}"
_MACHINES = "/clusters/{ClusterId}/groups/{GroupName}/instances"
_MACHINE = _MACHINES + "/{InstanceId}"
_TOKEN = ("IdempotentToken",)

_ROWS: Final = (
    Operation("create_job", "CreateJob", "POST", "/jobs", "CreateResponse", 201, "create", (*_TOKEN, "sync"), body="JobDescription", section="2.1"),
    Operation("list_jobs", "ListJobs", "GET", "/jobs", "Job", 200, "read", (*_PAGE, "State", "ClusterId", "ProjectId", "OrderBy", "IsReverse"), section="2.1"),
    Operation("get_job", "GetJob", "GET", _JOB, "JobResponse", 200, "read", section="2.1"),
    Operation("get_job_description", "GetJobDescription", "GET", _JOB, "JobDescriptionResponse", 200, "read", ("description",), ("description",), section="2.1"),
    Operation("stop_job", "StopJob", "POST", _JOB + "/stop", "ActionResponse", 201, "action", section="2.1", status_operation="get_job"),
    Operation("start_job", "StartJob", "POST", _JOB + "/start", "ActionResponse", 201, "action", section="2.1", status_operation="get_job"),
    Operation("change_job_priority", "ChangeJobPriority", "PUT", _JOB, "ActionResponse", 200, "change", body="Priority", section="2.1"),
    Operation("delete_job", "DeleteJob", "DELETE", _JOB, "ActionResponse", 204, "delete", section="2.1"),
    Operation("list_tasks", "ListTasks", "GET", _JOB + "/tasks", "Task", 200, "read", (*_PAGE, "State", "ClusterId"), section="2.2"),
    Operation("get_task", "GetTask", "GET", _TASK, "TaskResponse", 200, "read", section="2.2"),
    Operation("list_instances", "ListInstances", "GET", _TASK + "/instances", "Instance", 200, "read", (*_PAGE, "State"), section="2.2"),
    Operation("get_instance", "GetInstance", "GET", _TASK + "/instances/{InstanceId}", "InstanceResponse", 200, "read", section="2.2"),
    Operation("create_cluster", "CreateCluster", "POST", "/clusters", "CreateResponse", 201, "create", _TOKEN, body="ClusterDescription", section="2.3"),
    Operation("list_clusters", "ListClusters", "GET", "/clusters", "Cluster", 200, "read", _PAGE, section="2.3"),
    Operation("get_cluster", "GetCluster", "GET", "/clusters/{ClusterId}", "ClusterResponse", 200, "read", section="2.3"),
    Operation("modify_cluster", "ModifyCluster", "PUT", "/clusters/{ClusterId}", "ActionResponse", 200, "change", body="ModifyClusterDescription", section="2.3"),
    Operation("delete_cluster", "DeleteCluster", "DELETE", "/clusters/{ClusterId}", "ActionResponse", 204, "delete", section="2.3", status_operation="get_cluster"),
    Operation("list_cluster_instances", "ListClusterInstances", "GET", _MACHINES, "ClusterInstance", 200, "read", _PAGE, section="2.3"),
    Operation("get_cluster_instance", "GetClusterInstance", "GET", _MACHINE, "ClusterInstanceResponse", 200, "read", section="2.3"),
    Operation("recreate_cluster_instance", "RecreateClusterInstance", "POST", _MACHINE + "/recreate", "ActionResponse", 201, "action", section="2.3", status_operation="get_cluster_instance"),
    Operation("delete_cluster_instance", "DeleteClusterInstance", "DELETE", _MACHINE, "ActionResponse", 202, "delete", section="2.3", status_operation="get_cluster_instance"),
    Operation("create_image", "CreateImage", "POST", "/images", "CreateResponse", 201, "create", _TOKEN, body="ImageDescription", section="2.4"),
    Operation("list_images", "ListImages", "GET", "/images", "Image", 200, "read", (*_PAGE, "Type"), section="2.4"),
    Operation("get_image", "GetImage", "GET", "/images/{ImageId}", "ImageResponse", 200, "read", section="2.4"),
    Operation("delete_image", "DeleteImage", "DELETE", "/images/{ImageId}", "ActionResponse", 204, "delete", section="2.4"),
    Operation("create_app", "CreateApp", "POST", "/apps", "CreateResponse", 201, "create", _TOKEN, body="AppDescription", section="2.5"),
    Operation("list_apps", "ListApps", "GET", "/apps", "AppStatus", 200, "read", (*_PAGE, "Scope"), section="2.5"),
    Operation("get_app", "GetApp", "GET", "/apps/{AppName}", "AppResponse", 200, "read", ("Scope",), section="2.5"),
    Operation("get_app_detail", "GetAppDetail", "GET", "/apps/{AppName}", "AppResponse", 200, "read", ("Detail", "Qualifier"), ("Detail",), section="2.5"),
    Operation("get_app_revisions", "GetAppRevisions", "GET", "/apps/{AppName}", "AppRevision", 200, "read", ("Revisions",), ("Revisions",), section="2.5"),
    Operation("modify_app", "ModifyApp", "PUT", "/apps/{AppName}", "ActionResponse", 200, "change", body="AppDescription", section="2.5"),
    Operation("delete_app", "DeleteApp", "DELETE", "/apps/{AppName}", "ActionResponse", 204, "delete", ("Qualifier",), section="2.5"),
    Operation("get_quotas", "GetQuota", "GET", "/quotas", "QuotaResponse", 200, "read", section="2.6"),
    Operation("get_available_resource", "GetAvailableResource", "GET", "/available", "AvailableResourceResponse", 200, "read", section="2.6"),
)  # fmt: skip

OPERATIONS: Final[Mapping[str, Operation]] = {row.name: row for row in _ROWS}
"""Every documented operation by the name of the client's method."""


@dataclass(frozen=True, slots=True)
class Call(Generic[A_co]):
    """One logical call: what to send, and how to read the answer."""

    operation: Operation
    """The row of the table."""
    target: str
    """Path and query as they go onto the wire, percent-encoded."""
    parse: Callable[[HttpResponse], A_co] = field(repr=False)
    """Turns the answer into what the caller gets."""
    body: bytes = field(default=b"", repr=False)
    """The body; empty for none."""
    token: str = ""
    """The idempotent token that every attempt carries; empty but for creates."""
    status_call: Call[Any] | None = None
    """The read that tells what became of this call when its answer was lost."""
    resource: str = ""
    """For a read of object storage ``/bucket/key``, and the target is a whole URL; else empty."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further headers of a read of object storage."""


# -- from arguments to parts of a request ---------------------------------------------------------


def id_of(value: object, argument: str, attribute: str = "Id") -> str:
    """Return the id that an argument names.

    Args:
        value: An id, or an object that has one.
        argument: Name of the argument, for the error.
        attribute: Where an object has its id.

    Raises:
        ValidationError: It is empty, or neither a text nor anything with an id.
    """
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else value
        found = text if isinstance(text, str) else getattr(text, attribute, None)
        if isinstance(found, str):
            found.encode("utf-8")
    except UnicodeError:
        found = None
    if not isinstance(found, str):
        allowed = "must be an id, or an object that has one"
        raise ValidationError([Problem(argument, repr(value)[:60], allowed)])
    if not found.strip():
        raise ValidationError([Problem(argument, repr(found), "must be an id that is not empty")])
    if found != found.strip():
        raise ValidationError([Problem(argument, repr(found), "must be an id without outer blanks")])
    if not {".", ".."}.isdisjoint(found.split("/")):
        # Percent-encoded it is harmless here, but not to every proxy on the way.
        raise ValidationError([Problem(argument, repr(found), "must be an id without '.' and '..' as parts")])
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def qualifier_of(value: object) -> str:
    """Return the revision that an argument names; empty for none."""
    found = getattr(value, "Revision", value)
    if found is None or found == "":
        return ""
    if isinstance(found, str) and _is_number(found):
        return found
    if isinstance(found, bool) or not isinstance(found, SupportsIndex):
        raise ValidationError([Problem("qualifier", repr(value)[:60], "must be the number of a revision")])
    return str(int(found))


def name_of(value: object, argument: str) -> str:
    found = getattr(value, "TaskName", value)
    return id_of(found, argument)


def number_of(value: object, argument: str) -> str:
    found = getattr(value, "InstanceId", value)
    if found is not value and "InstanceId" not in value:  # type: ignore[operator]
        raise ValidationError([Problem(argument, repr(value)[:60], "must be an instance that has a number")])
    if isinstance(found, str) and _is_number(found):
        return found
    if isinstance(found, bool) or not hasattr(type(found), "__index__") or int(found) < 0:  # type: ignore[call-overload]
        allowed = "must be the number of an instance, 0 or more"
        raise ValidationError([Problem(argument, repr(value)[:60], allowed)])
    return str(int(found))  # type: ignore[call-overload]


def count_of(value: object, argument: str = "max_item_count") -> str:
    """Return the number of items that a page may hold."""
    if isinstance(value, str) and _is_number(value):
        value = int(value)
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise ValidationError([Problem(argument, repr(value)[:60], "must be an integer")])
    return str(int(value))  # type: ignore[call-overload]


def text_of(value: object, argument: str) -> str:
    """Return a text as it is sent; empty for None.

    Raises:
        ValidationError: It is no text, or none that can be sent.
    """
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else "" if value is None else value
        if isinstance(text, str):
            text.encode("utf-8")
            return text
    except UnicodeError:
        pass
    raise ValidationError([Problem(argument, repr(value)[:60], "must be text in UTF-8")])


def marker_of(value: object) -> str:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return text_of(str(value) if is_number else value, "marker")


def target_of(operation: Operation, path: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Build path and query: keys sorted, an empty value as a bare key, as the old SDK sent them."""
    parts = [
        quote(path[segment[1:-1]], safe="") if segment.startswith("{") else segment
        for segment in operation.path.split("/")
    ]
    pairs = [
        f"{quote(key, safe='')}={quote(value, safe='')}" if value else quote(key, safe="")
        for key, value in sorted(query.items())
    ]
    return "/".join(parts) + (f"?{'&'.join(pairs)}" if pairs else "")


def token_query(token: object) -> dict[str, str]:
    # The old SDK ignored a token that is no text (recorded case "token not str is ignored").
    return {"IdempotentToken": text_of(token, "token")} if isinstance(token, (str, bytes)) and token else {}


# -- from answers to results ----------------------------------------------------------------------


def resource_class(name: str) -> type[Jsonizable]:
    """Import a class of `answers` or `resources` at its first use; models are costly to import."""
    module = "batchcompute.api.resource_responses" if name.endswith("Response") else "batchcompute.resources"
    found: type[Jsonizable] = getattr(importlib.import_module(module), name)
    return found


def _read(raw: HttpResponse, name: str) -> Any:
    import pydantic

    from batchcompute.api.responses import attach

    cls = resource_class(name)
    if not raw.body.strip():
        raise raw.not_understood(f"{cls.__name__} expected, and nothing came")
    try:
        resource = cls._read(raw.body)
    except (pydantic.ValidationError, ValueError) as error:
        raise raw.not_understood(f"{cls.__name__} expected: {str(error).splitlines()[0]}") from None
    attach(resource, raw)
    return resource


def _read_action(raw: HttpResponse) -> ActionResponse:
    # A page of a proxy, say, must not pass for a success; the old SDK refused it, too.
    if not isinstance(raw.json(), (dict, list)):
        raise raw.not_understood("an object or nothing was expected")
    return ActionResponse(raw)


def _read_page(raw: HttpResponse, name: str) -> ListResponse[Any]:
    from batchcompute.api.parsing import read_page

    items, marker = read_page(raw, resource_class(name))
    return ListResponse(raw, items, marker)


def make_call(
    name: str,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Call[Any]:
    """Make the call of an operation from its row of the table.

    A create that comes without a token gets one of its own, so that no attempt of it makes a second
    resource.

    Args:
        name: Name of the operation.
        path: The variable parts of the path.
        query: The query.
        body: The body; empty for none.
    """
    operation = OPERATIONS[name]
    answer = operation.response
    parse: Callable[[HttpResponse], Any]
    if answer == "CreateResponse":
        parse = CreateResponse
    elif answer == "ActionResponse":
        parse = _read_action
    elif operation.is_list or name == "get_app_revisions":
        parse = PageParser(answer)
    else:
        parse = ResourceParser(answer)
    token = ""
    if operation.takes_token:
        token = (query or {}).get("IdempotentToken") or uuid.uuid4().hex
        query = {**(query or {}), "IdempotentToken": token}
    status_call = make_call(operation.status_operation, path) if operation.status_operation else None
    return Call(operation, target_of(operation, path or {}, query or {}), parse, body, token, status_call)


@dataclass(frozen=True, slots=True)
class ResourceParser:
    name: str

    def __call__(self, raw: HttpResponse) -> Any:
        return _read(raw, self.name)


@dataclass(frozen=True, slots=True)
class PageParser:
    name: str

    def __call__(self, raw: HttpResponse) -> ListResponse[Any]:
        return _read_page(raw, self.name)

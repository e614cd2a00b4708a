"""A stand-in for the service: a route of respx for each operation, and answers from the test."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias, cast, overload

import httpx
import respx

from batchcompute import resources
from batchcompute.api.operations import OPERATIONS, Operation
from batchcompute.client import AsyncClient, Client
from batchcompute.errors import ConfigError
from batchcompute.models.base import Jsonizable
from batchcompute.models.problems import short_repr
from batchcompute.resources import (
    AppJobDescription,
    AppRevision,
    AppStatus,
    AvailableResource,
    Cluster,
    ClusterInstance,
    Image,
    Instance,
    InstanceAttempt,
    Job,
    JobDescription,
    Quota,
    Task,
)
from batchcompute.testing.responses import AT_ONCE, ErrorResponse, Page, to_json

__all__ = ["Failure", "MockedApi"]

Failure: TypeAlias = ErrorResponse | httpx.Response | httpx.TransportError
"""An error of the service, any response, or an error of the connection."""

_SPECIAL: Final = {
    "JobDescriptionResponse": (JobDescription, AppJobDescription),
    "AppResponse": (AppStatus,),
}


class _Answers:
    """Answers the requests of one operation, one after the other; the last answer is repeated."""

    def __init__(self, operation: Operation) -> None:
        self._name = operation.name
        self._responses: list[Callable[[], httpx.Response]] = []

    def set(self, responses: list[Callable[[], httpx.Response]]) -> None:
        self._responses = responses

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not self._responses:
            raise AssertionError(
                f"the test has no answer for {request.method} {request.url.raw_path.decode()}: "
                f'call answer("{self._name}", ...)'
            )
        respond = self._responses[0]
        if len(self._responses) > 1:
            del self._responses[0]
        return respond()


class MockedApi:
    """A stand-in for the service, for all clients of this process that use the network.

    Args:
        router: The router of respx that gets the routes.
    """

    def __init__(self, router: respx.MockRouter) -> None:
        self.router: respx.MockRouter = router
        """The router of respx."""
        self._routes: dict[str, respx.Route] = {}
        self._answers: dict[str, _Answers] = {}
        # An operation with a flag in the query comes before the operation of the same path without one.
        for operation in sorted(OPERATIONS.values(), key=lambda row: -len(row.flags)):
            answers = self._answers[operation.name] = _Answers(operation)
            route = router.route(method=operation.method, url__regex=_pattern(operation))
            self._routes[operation.name] = route.mock(side_effect=answers)

    @classmethod
    @contextmanager
    def running(cls) -> Generator[MockedApi]:
        """Replace the network by a stand-in for the service."""
        with respx.mock(assert_all_called=False) as router:
            yield cls(router)

    def __getitem__(self, operation: str) -> respx.Route:
        """Return the route of an operation.

        Raises:
            ConfigError: There is no such operation.
        """
        if operation not in self._routes:
            raise ConfigError(f"operation: must be the name of an operation (got {operation!r})")
        return self._routes[operation]

    def client(self, region: str = "cn-qingdao") -> Client:
        """Return a client whose retries have no delays.

        Args:
            region: The region, which can be any.
        """
        return Client(region, "test-id", "test-secret", retry=AT_ONCE, trust_env=False)

    def async_client(self, region: str = "cn-qingdao") -> AsyncClient:
        """Return an asynchronous client whose retries have no delays.

        Args:
            region: The region, which can be any.
        """
        return AsyncClient(region, "test-id", "test-secret", retry=AT_ONCE, trust_env=False)

    def requests(self, operation: str) -> list[httpx.Request]:
        """Return the requests of an operation so far.

        Raises:
            ConfigError: There is no such operation.
        """
        calls: list[respx.models.Call] = list(self[operation].calls)
        return [call.request for call in calls]

    @overload
    def answer(
        self,
        operation: Literal["create_job", "create_cluster", "create_image", "create_app"],
        *answers: str | Failure,
    ) -> None: ...
    @overload
    def answer(
        self, operation: Literal["list_jobs"], *answers: Sequence[Job] | Page[Job] | Failure
    ) -> None: ...
    @overload
    def answer(self, operation: Literal["get_job"], *answers: Job | Failure) -> None: ...
    @overload
    def answer(
        self,
        operation: Literal["get_job_description"],
        *answers: JobDescription | AppJobDescription | Failure,
    ) -> None: ...
    @overload
    def answer(
        self,
        operation: Literal[
            "stop_job",
            "start_job",
            "change_job_priority",
            "delete_job",
            "modify_cluster",
            "delete_cluster",
            "recreate_cluster_instance",
            "delete_cluster_instance",
            "delete_image",
            "modify_app",
            "delete_app",
        ],
        *answers: Failure | None,
    ) -> None: ...
    @overload
    def answer(
        self, operation: Literal["list_tasks"], *answers: Sequence[Task] | Page[Task] | Failure
    ) -> None: ...
    @overload
    def answer(self, operation: Literal["get_task"], *answers: Task | Failure) -> None: ...
    @overload
    def answer(
        self, operation: Literal["list_instances"], *answers: Sequence[Instance] | Page[Instance] | Failure
    ) -> None: ...
    @overload
    def answer(self, operation: Literal["get_instance"], *answers: Instance | Failure) -> None: ...
    @overload
    def answer(
        self,
        operation: Literal["list_attempts"],
        *answers: Sequence[InstanceAttempt] | Page[InstanceAttempt] | Failure,
    ) -> None: ...
    @overload
    def answer(
        self, operation: Literal["list_clusters"], *answers: Sequence[Cluster] | Page[Cluster] | Failure
    ) -> None: ...
    @overload
    def answer(self, operation: Literal["get_cluster"], *answers: Cluster | Failure) -> None: ...
    @overload
    def answer(
        self,
        operation: Literal["list_cluster_instances"],
        *answers: Sequence[ClusterInstance] | Page[ClusterInstance] | Failure,
    ) -> None: ...
    @overload
    def answer(
        self, operation: Literal["get_cluster_instance"], *answers: ClusterInstance | Failure
    ) -> None: ...
    @overload
    def answer(
        self, operation: Literal["list_images"], *answers: Sequence[Image] | Page[Image] | Failure
    ) -> None: ...
    @overload
    def answer(self, operation: Literal["get_image"], *answers: Image | Failure) -> None: ...
    @overload
    def answer(
        self, operation: Literal["list_apps"], *answers: Sequence[AppStatus] | Page[AppStatus] | Failure
    ) -> None: ...
    @overload
    def answer(
        self, operation: Literal["get_app", "get_app_detail"], *answers: AppStatus | Failure
    ) -> None: ...
    @overload
    def answer(
        self,
        operation: Literal["get_app_revisions"],
        *answers: Sequence[AppRevision] | Page[AppRevision] | Failure,
    ) -> None: ...
    @overload
    def answer(self, operation: Literal["get_quotas"], *answers: Quota | Failure) -> None: ...
    @overload
    def answer(
        self, operation: Literal["get_available_resource"], *answers: AvailableResource | Failure
    ) -> None: ...
    def answer(self, operation: str, *answers: Any) -> None:
        """Set the answers to an operation. The last one is repeated.

        Args:
            operation: Name of the operation, which is that of the method of the client.
            *answers: For a get, resources; for a list, `Page` objects, or sequences of resources for pages that are the
                last; for a create, ids; for an action, nothing or None. For any operation, `ErrorResponse` objects, responses
                of httpx, and errors of httpx for connections that break.

        Raises:
            ConfigError: There is no such operation.
            TypeError: The operation cannot have such an answer.
        """
        self[operation]
        row = OPERATIONS[operation]
        if not answers and row.response != "ActionResponse":
            raise TypeError(f"{operation}: needs an answer, which is {_expected(row)}")
        self._answers[operation].set([_responder(row, answer) for answer in answers or (None,)])


def _pattern(operation: Operation) -> re.Pattern[str]:
    path = re.sub(r"\{\w+\}", "[^/?]+", operation.path)
    flags = "".join(rf"(?=[^?]*\?(?:[^#]*&)?{flag}(?:[=&]|$))" for flag in operation.flags)
    return re.compile(rf"^{flags}https?://[^/]+{path}(?:\?.*)?$")


def _classes(operation: Operation) -> tuple[type[Jsonizable], ...]:
    """Return the classes of the resource in an answer."""
    name = operation.response
    special = _SPECIAL.get(name)
    return special or (cast("type[Jsonizable]", getattr(resources, name.removesuffix("Response"))),)


def _is_list(operation: Operation) -> bool:
    return operation.is_list or operation.name == "get_app_revisions"


def _expected(operation: Operation) -> str:
    if operation.response == "CreateResponse":
        return "the id of the new resource, as a str"
    if operation.response == "ActionResponse":
        return "None"
    names = " or ".join(cls.__name__ for cls in _classes(operation))
    return f"a Page or a sequence of {names}" if _is_list(operation) else names


def _responder(operation: Operation, answer: object) -> Callable[[], httpx.Response]:
    """Return a function that makes the response, because httpx reads a response once.

    Raises:
        TypeError: The operation cannot have such an answer.
    """
    if isinstance(answer, ErrorResponse):
        return answer.response
    if isinstance(answer, httpx.Response):
        return lambda: httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
    if isinstance(answer, httpx.TransportError):
        return lambda: _raise(answer)
    status = operation.status
    if operation.response == "CreateResponse" and isinstance(answer, str) and answer:
        return lambda: httpx.Response(
            status, json={"Name" if operation.name == "create_app" else "Id": answer}
        )
    if operation.response == "ActionResponse" and answer is None:
        return lambda: httpx.Response(status)
    if operation.response not in ("CreateResponse", "ActionResponse"):
        classes = _classes(operation)
        if _is_list(operation):
            page = Page(cast("Sequence[Jsonizable]", answer)) if isinstance(answer, (list, tuple)) else answer
            if isinstance(page, Page):
                checked = cast("Page[Jsonizable]", page)
                if all(isinstance(item, classes) for item in checked.items):
                    return lambda: checked.response(status)
        elif isinstance(answer, classes):
            return lambda: httpx.Response(status, json=to_json(answer))
    raise TypeError(f"{operation.name}: an answer is {_expected(operation)}, not {short_repr(answer)}")


def _raise(error: httpx.TransportError) -> httpx.Response:
    # A new object each time: an error that is raised twice would be its own context.
    raise type(error)(*error.args)

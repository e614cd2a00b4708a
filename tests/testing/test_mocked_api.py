"""`MockedApi`: a route for each operation, and answers of the right kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_overloads, get_type_hints

import httpx
import pytest

from batchcompute import ConfigError, ServerError, ThrottledError, TransportError
from batchcompute.api.operations import OPERATIONS
from batchcompute.resources import (
    AppStatus,
    Job,
    JobDescription,
    Quota,
    Task,
    TaskDescription,
)
from batchcompute.testing import ErrorResponse, MockedApi, Page


def description() -> JobDescription:
    job = JobDescription(Name="a")
    job.DAG.add_task("t", TaskDescription.of_command("true", instance_type="ecs.s3.large"))
    return job


@pytest.fixture
def api() -> Iterator[MockedApi]:
    with MockedApi.running() as running:
        yield running


def test_answers_are_given_in_their_order_and_the_last_is_repeated(api: MockedApi) -> None:
    running, finished = Job(Id="job-1", State="Running"), Job(Id="job-1", State="Finished")
    api.answer("create_job", "job-1")
    api.answer("get_job", ErrorResponse(503), httpx.ReadError("broken"), running, finished)
    with api.client() as client:
        created = client.create_job(description())
        assert client.wait(created).State == "Finished"
        assert client.get_job("job-1").State == "Finished"
    (request,) = api.requests("create_job")
    assert b'"Name":"a"' in request.content.replace(b": ", b":")
    assert api["get_job"].call_count == 5


def test_operations_with_one_path_are_told_apart(api: MockedApi) -> None:
    api.answer("get_job", Job(Id="job-1"))
    api.answer("get_job_description", JobDescription(Name="described"))
    api.answer("get_app", AppStatus(Name="plain"))
    api.answer("get_app_detail", AppStatus(Name="detailed"))
    api.answer("stop_job")
    api.answer("delete_job", None)
    api.answer("create_app", "app")
    with api.client() as client:
        assert client.get_job("job-1").Id == "job-1"
        assert client.get_job_description("job-1").Name == "described"
        assert client.get_app("app").Name == "plain"
        assert client.get_app_detail("app", "1").Name == "detailed"
        assert client.stop_job("job-1").StatusCode == 201
        assert client.delete_job("job-1").StatusCode == 204
    assert len(api.requests("get_app")) == len(api.requests("get_app_detail")) == 1


def test_pages(api: MockedApi) -> None:
    api.answer("list_jobs", Page([Job(Id="a"), Job(Id="b")], "marker"), [Job(Id="c")])
    with api.client() as client:
        assert [job.Id for job in client.iter_jobs()] == ["a", "b", "c"]
    assert "Marker=marker" in str(api.requests("list_jobs")[1].url)


async def test_errors_and_the_asynchronous_client(api: MockedApi) -> None:
    api.answer("get_quotas", ErrorResponse(429, "Throttling.User", retry_after=0), Quota())
    api.answer("list_images", ErrorResponse(500, "Broken", "no images today"))
    api.answer("list_clusters", httpx.ConnectError("refused"))
    async with api.async_client() as client:
        assert (await client.get_quotas()).StatusCode == 200
        with pytest.raises(ServerError, match="no images today"):
            await client.list_images()
        with pytest.raises(TransportError, match="refused"):
            await client.list_clusters()
        with pytest.raises(AssertionError, match=r'no answer for GET /apps.*call answer\("list_apps", ...\)'):
            await client.list_apps()
    with pytest.raises(ThrottledError), api.client() as client:
        api.answer("get_quotas", ErrorResponse(429))
        client.get_quotas()


@pytest.mark.parametrize(
    ("operation", "answers", "message"),
    [
        ("get_job", [Task()], "get_job: an answer is Job, not"),
        ("get_job", [], "get_job: needs an answer, which is Job"),
        ("list_jobs", [[Task()]], "list_jobs: an answer is a Page or a sequence of Job, not"),
        ("create_job", [Job()], "create_job: an answer is the id of the new resource, as a str, not"),
        ("stop_job", [Job()], "stop_job: an answer is None, not"),
        ("get_job_description", [Job()], "an answer is JobDescription or AppJobDescription, not"),
    ],
)  # fmt: skip
def test_answers_of_the_wrong_kind(api: MockedApi, operation: Any, answers: list[Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        api.answer(operation, *answers)
    with pytest.raises(ConfigError, match=r"operation: must be the name of an operation \(got 'no'\)"):
        api.answer("no", None)  # type: ignore[call-overload]


def test_each_operation_has_one_typed_form() -> None:
    names = [
        name
        for form in get_overloads(MockedApi.answer)
        for name in get_args(get_type_hints(form)["operation"])
    ]
    assert sorted(names) == sorted(OPERATIONS)

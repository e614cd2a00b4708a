# Options, waiting, iterating, logs and errors; models.py explains the markers.
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import assert_type

import httpx
import httpx2

from batchcompute import (
    AsyncClient,
    Client,
    Credentials,
    InstanceLogs,
    JobFailedError,
    OutcomeUnknown,
    RetryPolicy,
    Timeout,
    WaitTimeout,
)
from batchcompute.client import AsyncItems, Items
from batchcompute.resources import Instance, Job, Task
from batchcompute.api.responses import ListResponse


def provider() -> Credentials:
    return Credentials("id", "secret")


def name_of(job: Job) -> str:
    return job.Name


async def async_provider() -> Credentials:
    return Credentials("id", "secret")


def options() -> None:
    Client("cn-qingdao", "id", "secret", timeout=5, retry=RetryPolicy(deadline=timedelta(minutes=1)))
    Client("cn-qingdao", "id", "secret", timeout=Timeout(read=5), verify="ca.pem", trust_env=False)
    Client("cn-qingdao", credentials=provider, timeout=httpx.Timeout(5))
    Client("cn-qingdao", credentials=Credentials("id", "secret"), http_client=httpx.Client())
    Client("cn-qingdao", "id", "secret", http_client=httpx2.Client())
    AsyncClient("cn-qingdao", credentials=async_provider, http_client=httpx2.AsyncClient())
    assert_type(Client.from_env(), Client)
    assert_type(Client.from_env().with_options(deadline=5, timeout=timedelta(seconds=2)), Client)

    Client("cn-qingdao", credentials=5)  # expect-error
    Client("cn-qingdao")  # expect-error
    Client("cn-qingdao", "id", "secret", timeout="5")  # expect-error
    Client("cn-qingdao", "id", "secret", retry=3)  # expect-error
    Client("cn-qingdao", "id", "secret", http_client=object())  # expect-error
    RetryPolicy(atempts=3)  # expect-error
    RetryPolicy().attempts = 5  # expect-error
    Client.from_env().with_options(timout=5)  # expect-error


def waiting(client: Client) -> None:
    assert_type(client.wait("job-1"), Job)
    assert_type(client.wait(client.get_job("job-1"), until="Running"), Job)
    assert_type(client.wait(["job-1", client.get_job("job-2")], timeout=5), list[Job])
    client.wait("job-1", until=lambda job: job.State == "Running", on_update=lambda job: print(job.Id))
    assert_type(client.iter_jobs("Running"), Items[Job])
    for job in client.iter_jobs(max_item_count=10, marker="m"):
        assert_type(job, Job)
    for page in client.iter_instances("job-1", "t").by_page():
        assert_type(page, ListResponse[Instance])
    assert_type(client.logs("job-1", "t"), InstanceLogs)
    assert_type(client.logs("job-1", "t", 0, follow=True, stream="stderr"), Iterator[str])
    try:
        client.create_job({})
    except OutcomeUnknown as error:
        assert_type(error.token, str)
        print(error.tokn)  # expect-error
    except JobFailedError as failed:
        assert_type(failed.instances[0].exit_code, int | None)
        assert_type(failed.job, Job)
        assert_type(failed.tasks, tuple[Task, ...])
        assert_type(failed.jobs, tuple[Job, ...])
        name_of(failed.job)
        assert_type(failed.job.end_time, datetime | None)
        assert_type(failed.tasks[0].TaskName, str)
        client.get_job(failed.job)
        print(failed.job.Stat)  # expect-error
        assert_type(failed.attempts[0].request_id, str)
    except WaitTimeout as late:
        assert_type([name_of(job) for job in late.jobs], list[str])

    client.wait(5)  # expect-error
    client.wait("job-1", until=5)  # expect-error
    client.wait("job-1", timout=5)  # expect-error
    client.logs("job-1", "t", stream="stdlog", follow=True)  # expect-error
    client.iter_jobs(5)  # expect-error
    client.wait("job-1", on_update=lambda job: print(job.Satet))  # expect-error


async def waiting_asynchronously(client: AsyncClient) -> None:
    assert_type(await client.wait("job-1"), Job)
    assert_type(await client.wait(["job-1"]), list[Job])
    assert_type(client.iter_jobs(), AsyncItems[Job])
    async for job in client.iter_jobs():
        assert_type(job, Job)
    assert_type(await client.logs("job-1", "t"), InstanceLogs)
    assert_type(client.logs("job-1", "t", follow=True), AsyncIterator[str])
    async for text in client.logs("job-1", "t", follow=True):
        assert_type(text, str)
    await client.wait("job-1", until="Runing")  # expect-no-error: a service may send unknown states

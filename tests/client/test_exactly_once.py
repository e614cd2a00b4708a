"""The property that a create makes exactly one job, whatever the server does to requests and responses."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from batchcompute import AsyncClient, BatchComputeError, Client, OutcomeUnknown, RetryPolicy, Timeout
from batchcompute.resources import JobDescription
from tests.client.faults import FAULTS, FaultyServer

POLICY = RetryPolicy(attempts=3, first_delay=0.001, longest_delay=0.002, quota=None)
# A response is late if it arrives after the read timeout of the client.
LATE, LIMITS = 0.5, Timeout(connect=5, read=0.15, write=5, pool=30)


def description(number: int) -> JobDescription:
    job = JobDescription(Name=f"job-{number}", Priority=1)
    job.DAG.add_task("t", {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "true"}}})
    return job


def create_for_sure(client: Client, number: int) -> str:
    token = ""
    while True:
        try:
            return client.create_job(description(number), token).Id
        except OutcomeUnknown as error:
            assert error.token
            assert not token or token == error.token
            assert 1 <= len(error.attempts) <= POLICY.attempts
            token = error.token
        except BatchComputeError as error:
            # No job was created, so a new create with a new token makes the only job.
            assert not token
            assert error.attempts


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 200), *(pytest.param(seed, 1000, marks=pytest.mark.long) for seed in (2, 3, 5))],
)
def test_threads_create_exactly_once(seed: int, count: int) -> None:
    with FaultyServer(0.35, seed, LATE) as server:
        with Client(server.url, "id", "secret", retry=POLICY, timeout=LIMITS) as client:
            with ThreadPoolExecutor(16) as pool:
                ids = list(pool.map(lambda number: create_for_sure(client, number), range(count)))
        check(server, ids, count)


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.long)])
async def test_tasks_create_exactly_once(count: int) -> None:
    async def create(client: AsyncClient, number: int) -> str:
        token = ""
        while True:
            try:
                return (await client.create_job(description(number), token)).Id
            except OutcomeUnknown as error:
                token = error.token
            except BatchComputeError:
                assert not token

    with FaultyServer(0.35, 4, LATE) as server:
        async with AsyncClient(server.url, "id", "secret", retry=POLICY, timeout=LIMITS) as client:
            gate = asyncio.Semaphore(16)

            async def one(number: int) -> str:
                async with gate:
                    return await create(client, number)

            ids = await asyncio.gather(*(one(number) for number in range(count)))
        check(server, ids, count)


def check(server: FaultyServer, ids: list[str], count: int) -> None:
    assert set(FAULTS) <= set(server.faults), "a seed that shows less proves less"
    assert server.conflicts == 0
    assert len(set(ids)) == count
    assert sorted(job["Name"] for job in server.jobs.values()) == sorted(f"job-{n}" for n in range(count))
    assert set(server.jobs) == set(ids)

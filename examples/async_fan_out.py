"""Creates jobs from one asynchronous program, handles each as soon as it ends, and draws when each ran."""

#     python examples/async_fan_out.py

from __future__ import annotations

import asyncio
import time

from batchcompute import AsyncClient
from batchcompute.resources import DAG, Job, JobDescription, TaskDescription
from batchcompute.service import LocalService

JOBS, WIDTH = 12, 50


def describe(number: int) -> JobDescription:
    seconds = 0.1 + number * 7 % JOBS * 0.04
    dag = DAG()
    dag.add_task("work", TaskDescription.of_command(f"sleep {seconds:.2f}", instance_type="ecs.s3.large"))
    return JobDescription(Name=f"job-{number}", DAG=dag)


async def run(client: AsyncClient, number: int) -> Job:
    return await client.wait(await client.create_job(describe(number)), interval=0.05)


async def main() -> None:
    with LocalService(slots=4) as service:
        async with service.async_client() as client:
            started = time.monotonic()
            ended = []
            for future in asyncio.as_completed([run(client, number) for number in range(JOBS)]):
                job = await future
                print(f"{time.monotonic() - started:5.2f} s  {job.Name} {job.State}")
                ended.append(job)

    first = min(job.StartTime for job in ended if job.StartTime)
    total = max((job.EndTime - first).total_seconds() for job in ended if job.EndTime)
    print(f"\n{JOBS} jobs on 4 slots:")
    for job in sorted(ended, key=lambda job: job.StartTime or first):
        if job.StartTime and job.EndTime:
            begin, end = (
                round(WIDTH * (at - first).total_seconds() / total) for at in (job.StartTime, job.EndTime)
            )
            print(f"{job.Name:>7} │{' ' * begin}{'█' * max(end - begin, 1)}")


if __name__ == "__main__":
    asyncio.run(main())

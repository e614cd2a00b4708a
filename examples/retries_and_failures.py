"""A program that fails twice and then works, and a job that fails, is mended, and starts again."""

#     python examples/retries_and_failures.py

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from batchcompute import Client, JobFailedError
from batchcompute.resources import DAG, Job, JobDescription, TaskDescription
from batchcompute.service import LocalService


def describe(name: str, tasks: dict[str, tuple[str, int]], retries: int = 0) -> JobDescription:
    dag = DAG()
    for task_name, (command, count) in tasks.items():
        task = TaskDescription.of_command(
            command, count, instance_type="ecs.s3.large", stdout="oss://demo/logs/", stderr="oss://demo/logs/"
        )
        task.MaxRetryCount = retries
        dag.add_task(task_name, task)
    return JobDescription(Name=name, DAG=dag)


def show_attempts(client: Client, job: Job, task: str, number: int) -> None:
    for attempt in client.iter_attempts(job, task, number):
        print(f"  {task}[{number}] attempt {attempt.Number}: {attempt.State}, exit code {attempt.ExitCode}")


def a_program_that_is_retried(client: Client, folder: Path) -> None:
    calls = shlex.quote(str(folder / "calls"))
    # A stand-in for a server that is busy when it is asked for the first two times.
    command = f"echo x >> {calls}; test $(wc -l < {calls}) -gt 2 || {{ echo busy >&2; exit 75; }}; echo 42"
    job = client.wait(client.create_job(describe("price", {"fetch": (command, 1)}, retries=3)))
    print(f"price: {job.State}")
    show_attempts(client, job, "fetch", 0)
    print(f"  its output: {client.logs(job, 'fetch').stdout.strip()}")


def a_job_that_fails_and_is_mended(client: Client, folder: Path) -> None:
    table = folder / "table.csv"
    command = f"test $BATCH_COMPUTE_DAG_INSTANCE_ID -lt 2 || grep -c . {shlex.quote(str(table))}"
    created = client.create_job(describe("report", {"rows": (command, 3)}))
    try:
        client.wait(created)
    except JobFailedError as error:
        print(f"\nreport: {error.job.State}")
        for instance in error.instances:
            print(f"  {instance.task}[{instance.number}] ended with exit code {instance.exit_code}")
            print(f"  | {instance.stderr.strip().rsplit('/', 1)[-1]}")

    table.write_text("a\nb\n")
    client.start_job(created)
    job = client.wait(created)
    print(f"report, after the table was written: {job.State}")
    for number in range(3):
        show_attempts(client, job, "rows", number)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        LocalService() as service,
        service.client() as client,
    ):
        a_program_that_is_retried(client, Path(name))
        a_job_that_fails_and_is_mended(client, Path(name))


if __name__ == "__main__":
    main()

"""Helpers for the tests of the service."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from batchcompute import Client
from batchcompute.resources import JobDescription, TaskDescription
from batchcompute.service import LocalService
from batchcompute.service.store.database import Transaction


def task(command: str, **fields: Any) -> TaskDescription:
    made = TaskDescription({"AutoCluster": {"InstanceType": "ecs.s3.large"}, **fields})
    made.Parameters.Command.CommandLine = command
    made.Parameters.StdoutRedirectPath = "oss://bucket/logs/"
    made.Parameters.StderrRedirectPath = "oss://bucket/logs/"
    return made


def job(
    _tasks: str | dict[str, TaskDescription], _edges: dict[str, list[str]] | None = None, **fields: Any
) -> JobDescription:
    tasks = {"t": task(_tasks)} if isinstance(_tasks, str) else _tasks
    return JobDescription({"Name": "test", "DAG": {"Tasks": tasks, "Dependencies": _edges or {}}, **fields})


@contextmanager
def connection(transaction: AbstractContextManager[Transaction]) -> Generator[sqlite3.Connection]:
    """Open a transaction, and yield the connection of the database."""
    with transaction as opened:
        yield opened.jobs._db


def remains(work: Path) -> list[Path]:
    """Return what attempts have left in a directory of work, without empty directories that the next attempts use."""
    return [
        path
        for path in work.iterdir()
        if not path.name.startswith("scratch-") or (path.is_dir() and list(path.iterdir()))
    ]


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Poll a condition that depends on another process until it holds. The machine may be busy, so the limit is long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("it did not happen in time")


def finish(client: Client, job_id: str, state: str = "Finished") -> None:
    until(lambda: client.get_job(job_id).State in ("Finished", "Failed", "Stopped"))
    found = client.get_job(job_id)
    assert found.State == state, found


def output(
    service: LocalService,
    client: Client,
    job_id: str,
    name: str = "t",
    number: int = 0,
    stream: str = "Stdout",
) -> str:
    place = client.get_instance(job_id, name, number)[f"{stream}RedirectPath"]
    return service.oss_path(place).read_text("utf-8")


def alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


def carrying(word: str) -> list[int]:
    """Return the running processes whose environment contains a word."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                environment = Path(entry.path, "environ").read_bytes()
            except OSError:
                continue
            if word.encode() in environment and alive(int(entry.name)):
                found.append(int(entry.name))
    return found

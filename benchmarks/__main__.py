"""Measures the performance that the project promises, as ratios within one run, and checks each result."""

#     python -m benchmarks            # print the table
#     python -m benchmarks --write    # also write it into docs/benchmarks.md
#     python -m benchmarks models     # one group only: imports, models, requests, memory, throughput, serving, scale, large, slurm, dask, …
#
# Each ratio compares two measurements of one run, and one of them is software from elsewhere, so that machines may
# differ. The machine should be idle otherwise.

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from batchcompute.api.parsing import parse_page
from batchcompute.api.responses import HttpResponse
from batchcompute.resources import DAG, Job, JobDescription, TaskDescription
from benchmarks import clients, operating, scale, service, slurm, starting
from benchmarks import dask as dask_engine
from benchmarks.common import Row, best, ratio
from benchmarks.page import page as web_page

DOCS = Path(__file__).parent.parent / "docs" / "benchmarks.md"


# -- imports --------------------------------------------------------------------------------------


def _python(program: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - start


def imports() -> Iterable[Row]:
    programs = {
        "pass": "pass",
        "bare": "import batchcompute",
        "floor": "import pydantic, httpx, tenacity; pydantic.BaseModel",
        "client": "from batchcompute import Client",
    }
    check = "import sys, batchcompute; assert not {'httpx', 'pydantic', 'tenacity'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(15):
        for name, program in programs.items():
            times[name].append(_python(program))
    middle = {name: statistics.median(found) for name, found in times.items()}
    extra = (middle["bare"] - middle["pass"]) * 1000
    yield Row("`import batchcompute` over `python -c pass`", f"{extra:.0f} ms more", "<= 40 ms", extra <= 40)
    name = "`from batchcompute import Client` over pydantic + httpx + tenacity"
    yield ratio(name, middle["client"], middle["floor"], 1.15, 1000, "ms")


# -- models ---------------------------------------------------------------------------------------


def description() -> JobDescription:
    dag = DAG()
    for number in range(50):
        task = TaskDescription({"ClusterId": "cls-1", "InstanceCount": number + 1})
        task.Parameters.Command.CommandLine = f"python step.py --number {number}"
        task.Parameters.StdoutRedirectPath = task.Parameters.StderrRedirectPath = "oss://bucket/logs/"
        dag.add_task(f"task{number}", task)
    dag.Dependencies = {f"task{number}": [f"task{number + 1}"] for number in range(49)}
    return JobDescription(Name="bench", Priority=1, DAG=dag)


def page() -> bytes:
    counts = {"WaitingCount": 0, "RunningCount": 1, "FinishedCount": 0, "FailedCount": 0, "StoppedCount": 0}
    job = {
        "Id": "job-0000000058184218000008150000000D", "Name": "demo", "OwnerId": 48351, "State": "Running", "Message": "",
        "CreationTime": "2016-11-01T15:25:02.837728Z", "StartTime": "2016-11-01T15:25:03.020203Z", "EndTime": "",
        "TaskMetrics": counts, "InstanceMetrics": counts,
    }  # fmt: skip
    return json.dumps({"Items": [job] * 100, "NextMarker": "job-x"}).encode()


def models() -> Iterable[Row]:
    made = description()
    text = made.dump()
    data = json.loads(text)
    assert JobDescription(text) == made
    assert json.loads(JobDescription(text).dump()) == data
    assert len(data["DAG"]["Tasks"]) == 50
    load = best(lambda: json.loads(text), 300)
    size = f"{len(text) / 1024:.0f} KB"
    yield ratio(
        f"description of 50 tasks ({size}) from JSON over `json.loads`",
        best(lambda: JobDescription(text), 300),
        load,
        4,
    )
    yield ratio(
        "its `dump()` over `json.dumps(indent=4)`",
        best(made.dump, 300), best(lambda: json.dumps(data, indent=4), 300), 2,
    )  # fmt: skip
    body = page()
    items, marker = parse_page(HttpResponse(200, {}, body), Job)
    assert (len(items), marker, items[99].TaskMetrics.RunningCount) == (100, "job-x", 1)
    yield ratio(
        "page of 100 jobs from bytes over `json.loads`",
        best(lambda: parse_page(HttpResponse(200, {}, body), Job), 300), best(lambda: json.loads(body), 300), 3,
    )  # fmt: skip


GROUPS: dict[str, Callable[[], Iterable[Row]]] = {
    "imports": imports,
    "models": models,
    "requests": clients.requests,
    "memory": clients.memory,
    "throughput": service.throughput,
    "starting": starting.starting,
    "serving": service.requests,
    "scale": service.scale,
    "large": scale.large,
    "operating": operating.operating,
    "page": web_page,
    "slurm": slurm.slurm,
    "dask": dask_engine.dask,
}


def table(rows: list[Row]) -> str:
    lines = ["| what | measured | goal | met |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.what} | {row.measured} | {row.goal} | {'yes' if row.met else 'no'} |" for row in rows]
    return "\n".join(lines)


def main() -> int:
    chosen = [name for name in sys.argv[1:] if not name.startswith("-")]
    if chosen and chosen[0] in clients.PARTS:
        clients.PARTS[chosen[0]](*chosen[1:])
        return 0
    rows = [row for name, group in GROUPS.items() if not chosen or name in chosen for row in group()]
    print(table(rows))
    if "--write" in sys.argv:
        machine = f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
        head, _, rest = DOCS.read_text("utf-8").partition("<!-- table -->")
        tail = rest.partition("<!-- end -->")[2]
        text = f"{head}<!-- table -->\n\nMeasured with {machine}.\n\n{table(rows)}\n\n<!-- end -->{tail}"
        DOCS.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Renders a picture in strips, one instance for each, and joins them to a PNG."""

#     python examples/render_pictures.py                  # writes fractal.png
#     python examples/render_pictures.py big.png 1920 1080

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

from batchcompute.resources import DAG, JobDescription, TaskDescription
from batchcompute.service import LocalService

PROGRAM = Path(__file__).resolve().parent / "programs" / "render.py"
PYTHON = shlex.quote(sys.executable)
STRIPS = 12


def describe(width: int, height: int) -> JobDescription:
    strip = TaskDescription.of_command(
        f"{PYTHON} render.py strip {STRIPS} {width} {height}", STRIPS, instance_type="ecs.s3.large"
    )
    strip.OutputMapping = {"/home/strips/": "oss://pictures/strips/"}
    join = TaskDescription.of_command(
        f"{PYTHON} render.py join {width} {height}", instance_type="ecs.s3.large"
    )
    join.InputMapping = {"oss://pictures/strips/": "/home/strips/"}
    join.OutputMapping = {"/home/picture/": "oss://pictures/"}
    for task in (strip, join):
        task.Parameters.Command.PackagePath = "oss://pictures/render.py"
    dag = DAG()
    dag.add_task("strip", strip)
    dag.add_task("join", join, after=["strip"])
    return JobDescription(Name="render", DAG=dag)


def main(target: Path, width: int, height: int) -> None:
    with LocalService() as service, service.client() as client:
        service.put(PROGRAM, "oss://pictures/")
        started = time.monotonic()
        client.wait(client.create_job(describe(width, height)), progress=True)
        service.get("oss://pictures/fractal.png", target)
    print(f"{target}: {width} x {height} pixels in {STRIPS} strips, {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    name, *size = [*sys.argv[1:], *("fractal.png", "480", "300")[len(sys.argv) - 1 :]]
    main(Path(name), int(size[0]), int(size[1]))

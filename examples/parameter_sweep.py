"""Runs an App once for each value of a parameter, and draws all results as one diagram."""

#     python examples/parameter_sweep.py

from __future__ import annotations

import shlex
import sys

from batchcompute.resources import AppDescription, AppJobDescription
from batchcompute.service import LocalService

COLUMNS, ROWS = 64, 20
FIRST, LAST = 2.8, 4.0

# The values that a population settles at, if each year's is r * x * (1 - x) of the year before. The App gets r.
PROGRAM = """
import os
r, x, values = float(os.environ["BC_PARAM_r"]), 0.5, set()
for year in range(600):
    x = r * x * (1 - x)
    if year >= 500:
        values.add(round(x, 3))
print(*values)
"""


def main() -> None:
    app = AppDescription(
        Name="population", CommandLine=f"{shlex.quote(sys.executable)} -c {shlex.quote(PROGRAM)}"
    )
    app.VM.ECSImageId = "img-ubuntu"
    app.InputParameters = {"r": {"Type": "Number", "Description": "growth of a year"}}

    growth = [round(FIRST + (LAST - FIRST) * column / (COLUMNS - 1), 4) for column in range(COLUMNS)]
    with LocalService() as service, service.client() as client:
        client.create_app(app)
        jobs = []
        for r in growth:
            job = AppJobDescription(Name=f"population-{str(r).replace('.', '_')}")
            job.App.AppName = "population"
            job.App.Inputs = {"r": r}
            job.App.Logging.StdoutPath = "oss://sweep/logs/"
            jobs.append(client.create_job(job))
        client.wait(jobs)
        results = [client.logs(job, "population", 0).stdout for job in jobs]

    canvas = [[" "] * COLUMNS for _ in range(ROWS)]
    for column, values in enumerate(results):
        for value in values.split():
            canvas[ROWS - 1 - int(float(value) * (ROWS - 1))][column] = "•"
    print(f"{len(jobs)} runs: the populations that growth leads to, as one becomes two, four, and chaos\n")
    for row, line in enumerate(canvas):
        print(f"{1 - row / (ROWS - 1):4.2f} │{''.join(line)}")
    print(f"     └{'─' * COLUMNS}\n      r = {FIRST}{f'r = {LAST}':>{COLUMNS - 7}}")


if __name__ == "__main__":
    main()

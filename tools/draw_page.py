"""Draws the screenshots of the documentation: it runs jobs, and takes pictures of the page in Chromium."""

#     python tools/draw_page.py    # writes docs/images/page-*.png; needs Chromium and the extra interop

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.service.helpers import until  # noqa: E402
from tests.service.web.helpers import serving  # noqa: E402

from batchcompute import Client  # noqa: E402
from batchcompute.resources import JobDescription, TaskDescription  # noqa: E402
from batchcompute.service import LocalService  # noqa: E402
from batchcompute.service.web.sessions import one_time_code  # noqa: E402

IMAGES = ROOT / "docs" / "images"
LARGEST = 200_000
"""Bytes of a picture."""

PIPELINE = {
    "fetch": (6, "sleep 0.4"),
    "align": (12, "sleep 0.8"),
    "index": (1, "sleep 0.6"),
    "sort": (4, "for n in 1 2 3 4 5 6 7 8; do printf '\\033[32mchunk %d\\033[0m sorted, \\033[2m%d records\\033[0m\\n' "
     "$n $((n * 7919)); sleep 0.15; done; printf '\\033[33mwaiting for the next chunk\\033[0m\\n'; sleep 60"),
    "call": (8, "true"),
    "report": (1, "true"),
}  # fmt: skip
AFTER = {
    "fetch": ["align", "index"], "align": ["sort"], "index": ["call", "report"], "sort": ["call"], "call": ["report"],
}  # fmt: skip


def task(count: int, command: str, retries: int = 0) -> TaskDescription:
    made = TaskDescription({"InstanceCount": count, "MaxRetryCount": retries})
    made.AutoCluster.InstanceType = "ecs.s3.large"
    made.Parameters.Command.CommandLine = command
    made.Parameters.StdoutRedirectPath = made.Parameters.StderrRedirectPath = "oss://results/logs/"
    return made


def job(
    name: str, tasks: dict[str, TaskDescription], after: dict[str, list[str]] | None = None
) -> JobDescription:
    return JobDescription(Name=name, Description="", DAG={"Tasks": tasks, "Dependencies": after or {}})


def run_jobs(client: Client) -> str:
    """Run jobs in all states, and return the one that is shown."""
    for name, command in (("nightly-backup", "true"), ("thumbnails", "true"), ("import-orders", "exit 3")):
        client.wait(client.create_job(job(name, {"main": task(4, command)})), raise_on_failure=False)
    pipeline = client.create_job(
        job("genome-pipeline", {name: task(*parts) for name, parts in PIPELINE.items()}, AFTER)
    )
    until(lambda: client.get_task(pipeline, "sort").InstanceMetrics.RunningCount == 4, 60)
    flaky = client.create_job(job("price-feed", {"poll": task(2, "sleep 0.2; exit 75", 10_000)}))
    until(lambda: client.get_instance(flaky, "poll", 0).RetryCount > 1)
    client.create_job(job("parameter-sweep", {"point": task(120, "sleep 60")}))
    stopped = client.create_job(job("old-report", {"main": task(1, "sleep 60")}))
    client.stop_job(stopped)
    return str(pipeline.Id)


def main() -> int:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        LocalService(Path(name) / "data", slots=8) as service,
        service.client("demo", "demo") as client,
        serving(service) as url,
        sync_playwright() as playwright,
    ):
        pipeline = run_jobs(client)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        pictures: tuple[tuple[str, str, Literal["light", "dark"], tuple[int, int]], ...] = (
            ("jobs", "/", "light", (1180, 720)),
            ("job", f"/-/jobs/{pipeline}", "dark", (1180, 900)),
            ("output", f"/-/jobs/{pipeline}/tasks/sort/0", "light", (1180, 640)),
            ("phone", f"/-/jobs/{pipeline}", "light", (390, 844)),
        )
        for picture, target, scheme, size in pictures:
            context = browser.new_context(
                base_url=url, color_scheme=scheme, viewport={"width": size[0], "height": size[1]}
            )
            tab = context.new_page()
            tab.goto(f"/-/open?code={one_time_code(service.identity, 'demo')}")
            tab.wait_for_selector("#live:text('Live')")
            tab.goto(target)
            tab.wait_for_selector("#live:text('Live')")
            file = IMAGES / f"page-{picture}.png"
            tab.screenshot(path=file)
            context.close()
            print(file.relative_to(ROOT), file.stat().st_size)
            assert file.stat().st_size <= LARGEST
        browser.close()
        for item in client.iter_jobs():
            if item.State in ("Waiting", "Running"):
                client.stop_job(item)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Pictures of models, and the live display of a wait: in a notebook that runs, and on a terminal."""

from __future__ import annotations

import io
import re
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from batchcompute.client._progress import reporter
from batchcompute.client.waiting import Watch
from batchcompute.resources import DAG, Job, JobDescription, Task, TaskDescription

SRC = Path(__file__).parents[1] / "src"


def description() -> JobDescription:
    job = JobDescription(Name="pipeline")
    for name, after in (("a", ()), ("b", "a"), ("c", "a"), ("d", ("b", "c"))):
        job.DAG.add_task(name, TaskDescription.of_command("true", instance_type="ecs.s3.large"), after=after)
    job.DAG.Tasks["b"].InstanceCount = 3
    return job


TASKS = [
    Task(TaskName="a", State="Finished", InstanceMetrics={"FinishedCount": 1}),
    Task(TaskName="b", State="Running", InstanceMetrics={"RunningCount": 2, "FinishedCount": 1}),
    Task(TaskName="<x>", State="Waiting", InstanceMetrics={"WaitingCount": 1}),
]


def svg_of(html: str) -> ET.Element:
    (text,) = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    return ET.fromstring(text)


def test_a_dag_is_drawn_with_states() -> None:
    job = description()
    root = ET.fromstring(job.to_svg(TASKS))
    labels = {
        str(group.findtext("{http://www.w3.org/2000/svg}text")): group.get("class")
        for group in root.iter("{http://www.w3.org/2000/svg}g")
    }
    assert labels == {"a": "Finished", "b 1 finished, 2 running": "Running", "c": "", "d": ""}
    assert '["b \N{MULTIPLICATION SIGN}3"]' in job.to_mermaid()
    assert job.DAG.to_mermaid(TASKS, "LR").startswith('flowchart LR\n    n0["a"]:::Finished\n')
    assert DAG().to_mermaid() == "flowchart TB\n"
    assert JobDescription().to_mermaid() == "flowchart TB\n"


def test_notebooks_get_pictures_for_light_and_dark_themes() -> None:
    bundle = description()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert len(svg_of(bundle["text/html"]).findall(".//{*}rect")) == 4
    for theme in (
        '[data-jp-theme-light="true"]',
        '[data-jp-theme-light="false"]',
        "prefers-color-scheme: dark",
    ):
        assert theme in bundle["text/html"]
    # A picture leaves the description as it was.
    assert JobDescription()._repr_mimebundle_()["text/plain"] == repr(JobDescription())


def test_a_status_is_a_bar_with_its_counts() -> None:
    job = Job(Id="job-1", Name="<b>", State="Running", InstanceMetrics={"RunningCount": 1, "FailedCount": 3})
    html = job._repr_html_()
    assert "&lt;b&gt; job-1" in html
    assert "<b>" not in html
    assert "width:75.00%" in html
    assert "1 running, 3 failed" in html
    assert ":::Running" in job.to_mermaid()
    assert "job-1 1 running, 3 failed: Running" in job.to_svg()
    assert ":::Finished" in TASKS[0].to_mermaid()
    assert "1 finished" in TASKS[0]._repr_html_()
    assert Task()._repr_html_()
    assert Job().to_mermaid().startswith("flowchart TB")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_for_each_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    watch = Watch(["job-1"], None, 10.0, time.monotonic())
    watch.update("job-1", Job(Id="job-1", State="Running"), 0)
    watch.tasks["job-1"] = [*TASKS, Task(TaskName="\x1b[2J", State="Running")]
    stream = Terminal()
    show = reporter(True, stream)
    assert show.wants_tasks
    show.update(watch)
    show.close()
    text = stream.getvalue()
    for line in ("a  1 finished", "b  1 finished, 2 running", "<x>  1 waiting", r"'\x1b[2J'"):
        assert line in text


def test_the_tasks_of_few_jobs_are_read_when_they_change() -> None:
    watch = Watch(["a", "b"], None, 10.0, 0.0)
    watch.update("a", Job(Id="a", State="Running"), 0)
    assert watch.select_for_tasks() == ["a"]
    watch.take_changes()
    assert watch.select_for_tasks() == []
    many = Watch([str(number) for number in range(4)], None, 10.0, 0.0)
    many.update("1", Job(Id="1", State="Running"), 0)
    assert many.select_for_tasks() == []


CELLS = [
    """
from batchcompute.resources import JobDescription, TaskDescription
from batchcompute.service import Script
from batchcompute.testing import SimulatedService

job = JobDescription(Name="pipeline")
job.DAG.add_task("align", TaskDescription.of_command("true", instance_type="ecs.s3.large"))
job.DAG.add_task("sort", TaskDescription.of_command("true", instance_type="ecs.s3.large"), after="align")
job
""",
    """
running = SimulatedService.running(Script().task("sort").fails(code=3))
simulated = running.__enter__()
client = simulated.client
done = client.wait(client.create_job(job), progress=True, raise_on_failure=False)
running.__exit__(None, None, None)
done
""",
]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_shows_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    spec = tmp_path / "kernels" / "here"
    spec.mkdir(parents=True)
    spec.joinpath("kernel.json").write_text(
        f'{{"argv": ["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"],'
        '"display_name": "here", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text.strip()) for text in CELLS])
    nbclient.NotebookClient(book, timeout=120, kernel_name="here").execute()
    first, second = (cell["outputs"] for cell in book["cells"])
    drawn = svg_of(first[0]["data"]["text/html"])
    assert [node.text for node in drawn.iter("{http://www.w3.org/2000/svg}text")] == ["align", "sort"]
    assert "image/svg+xml" in first[0]["data"]
    live, status = second
    picture = svg_of(live["data"]["text/html"])
    states = [group.get("class") for group in picture.iter("{http://www.w3.org/2000/svg}g")]
    assert states == ["Finished", "Failed"]
    assert "1 finished, 1 failed" in live["data"]["text/plain"]
    assert "pipeline job-" in status["data"]["text/html"]
    assert "Failed" in status["data"]["text/html"]

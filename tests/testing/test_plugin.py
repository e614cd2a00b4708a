"""The pytest plugin: its fixtures in runs of pytest of their own, and what loading it costs."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the service needs Unix")

SRC = Path(__file__).parents[2] / "src"
HEAD = """
import os
import pytest
from batchcompute import NotFoundError, OutcomeUnknown, ServerError
from batchcompute.resources import JobDescription, TaskDescription

def job(command="true", retries=0):
    description = JobDescription(Name="test")
    task = TaskDescription.of_command(command, instance_type="ecs.s3.large")
    task.MaxRetryCount = retries
    description.DAG.add_task("t", task)
    return description
"""
SERVICE = """
SEEN = []

@pytest.mark.parametrize("number", range(2))
def test_each_test_has_a_service_of_its_own(batchcompute_client, batchcompute_service, number, tmp_path):
    assert not batchcompute_client.list_jobs()
    assert batchcompute_service.data_dir not in SEEN
    assert not any(os.path.exists(one) for one in SEEN)
    SEEN.append(batchcompute_service.data_dir)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.txt").write_text("hello")
    (tmp_path / "in" / "b").write_bytes(b"")
    urls = batchcompute_service.put(tmp_path / "in", "oss://bucket/data")
    assert urls == ["oss://bucket/data/b", "oss://bucket/data/deep/a.txt"]
    assert batchcompute_service.put(tmp_path / "in" / "b", "oss://bucket/x/") == ["oss://bucket/x/b"]
    description = job("cat /data/deep/a.txt && exit 0")
    description.DAG.Tasks["t"].InputMapping = {"oss://bucket/data/": "/data/"}
    description.DAG.Tasks["t"].Parameters.StdoutRedirectPath = "oss://bucket/logs/"
    created = batchcompute_client.create_job(description)
    batchcompute_client.wait(created, timeout=60)
    (log,) = batchcompute_service.get("oss://bucket/logs/", tmp_path / "out")
    assert log.read_text() == "hello"
    (one,) = batchcompute_service.get("oss://bucket/data/deep/a.txt", tmp_path / "one.txt")
    assert (one, one.read_text()) == (tmp_path / "one.txt", "hello")
    with pytest.raises(NotFoundError):
        batchcompute_service.get("oss://bucket/none/", tmp_path / "none")
    assert not (tmp_path / "none").exists()

@pytest.fixture
def batchcompute_service_options():
    return {"slots": 3}

def test_options(batchcompute_service):
    assert batchcompute_service.slots == 3
"""
ASYNC = """
{mark}
async def test_async(batchcompute_async_client, batchcompute_simulated):
    created = await batchcompute_async_client.create_job(job())
    assert (await batchcompute_async_client.wait(created, timeout=60)).State == "Finished"
    client = batchcompute_simulated.async_client
    assert (await client.wait(await client.create_job(job()), timeout=60)).State == "Finished"

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


def args() -> list[str]:
    """Return the options that load the plugin, if no installed distribution announces it."""
    loaded = {entry.value for entry in entry_points(group="pytest11")}
    name = "batchcompute.pytest_plugin"
    return ["-p", "no:cacheprovider", *([] if name in loaded else ["-p", name])]


LOOPS = ("-o", "asyncio_default_fixture_loop_scope=function")


def run(pytester: pytest.Pytester, text: str, *more: str, passed: int) -> None:
    pytester.makepyfile(HEAD + text)
    result = pytester.runpytest_inprocess(*args(), *more)
    result.assert_outcomes(passed=passed)


def test_services_are_real_and_isolated(pytester: pytest.Pytester) -> None:
    run(pytester, SERVICE, *LOOPS, "-W", "error", passed=3)


def test_with_pytest_asyncio_in_strict_mode(pytester: pytest.Pytester) -> None:
    run(pytester, ASYNC.format(mark="@pytest.mark.asyncio"), *LOOPS, "-W", "error", passed=1)


def test_with_anyio(pytester: pytest.Pytester) -> None:
    run(pytester, ASYNC.format(mark="@pytest.mark.anyio"), "-p", "no:asyncio", "-W", "error", passed=1)


@pytest.mark.long
def test_under_xdist(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xdist")
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    pytester.makepyfile(HEAD + SERVICE)
    pytester.runpytest_subprocess(*args(), "-n", "2").assert_outcomes(passed=3)


def test_loading_the_plugin_imports_next_to_nothing() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import batchcompute.pytest_plugin;"
        "print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {
        "batchcompute",
        "batchcompute._lazy",
        "batchcompute._version",
        "batchcompute.pytest_plugin",
    }


WITHOUT_RESPX = """
import sys
import pytest

@pytest.fixture
def without_respx(monkeypatch):
    monkeypatch.setitem(sys.modules, "respx", None)
    monkeypatch.delitem(sys.modules, "batchcompute.testing.mocked", raising=False)

def test_it(without_respx, batchcompute_respx):
    pass
"""


def test_respx_is_optional(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WITHOUT_RESPX)
    result = pytester.runpytest_inprocess(*args(), "-p", "no:asyncio", "-p", "no:respx")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*batchcompute_respx needs respx: pip install*testing*"])


def test_the_tests_of_the_page_pass(pytester: pytest.Pytester) -> None:
    page = (SRC.parent / "docs" / "testing.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    texts = [block for block in blocks if "def test_" in block]
    pytester.makepyfile(**{f"test_{number}": block for number, block in enumerate(texts)})
    result = pytester.runpytest_inprocess(*args(), *LOOPS, "-W", "error")
    result.assert_outcomes(passed=sum(block.count("def test_") for block in texts))
    assert len(texts) >= 5

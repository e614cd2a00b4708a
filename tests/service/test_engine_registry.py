"""The engines by their names: mistakes in names and options, and engines of other packages."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from batchcompute.errors import ConfigError
from batchcompute.service import LocalService, Script, SimulatedClock
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.engines import checks, registry
from tests.service.helpers import finish, job, task
from tests.service.packages import install

TOY = """
from batchcompute.service.engines.findings import Finding
from batchcompute.service.engines.simulated import Script, SimulatedEngine

class Toy(SimulatedEngine):
    name = "toy"

def create(context):
    if set(context.options) - {"level", "seconds"}:
        raise ValueError(context.options)
    return Toy(context.clock, Script(seconds=float(context.options.get("seconds", 1))))

def checks(site):
    yield Finding("ok", "toy", "it is there")
    yield Finding(site.options.get("level", "ok"), "toy box", f"it is in {site.data_dir.name}", "look there")

def broken(context):
    raise OSError("the toy is broken")
"""


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    engines = {
        "toy": "toys:create",
        "gone": "toys_that_are_gone:create",
        "nameless": "toys:nothing",
        "broken": "toys:broken",
    }
    points = {registry.GROUP: engines, checks.GROUP: {"toy": "toys:checks", "broken": "toys:nothing"}}
    install(folder, monkeypatch, {"toys": TOY}, points)
    return folder


def refusal(data_dir: Path, engine: str, **arguments: object) -> str:
    """Return the message with which a service refuses to start."""
    with pytest.raises(ConfigError) as caught:
        LocalService(data_dir / "data", engine=engine, **arguments)  # type: ignore[arg-type]
    return str(caught.value)


def test_an_unknown_engine_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    text = refusal(tmp_path, "slrum")
    assert "engine: there is no engine 'slrum'; the nearest is 'slurm'" in text
    assert "dask, local, simulated, slurm" in text
    assert not (tmp_path / "data").exists()


def test_the_nearest_name_may_be_that_of_another_package(tmp_path: Path, toys: Path) -> None:
    assert "the nearest is 'toy', and there are broken, dask, gone" in refusal(tmp_path, "local,tyo")


@pytest.mark.parametrize(
    ("engine", "arguments", "expected"),
    [
        ("local,simulated,local", {}, "engine: local,simulated,local names an engine twice"),
        ("local,", {}, "engine: there is no engine ''"),
        (
            "local",
            {"engine_options": {"slurm": {"partition": "all"}}},
            "there are options for the engine 'slurm', but engine is local",
        ),
        (
            "local",
            {"types": [InstanceType("large", 1, 1, engine="slurm")]},
            "the instance type 'large' names the engine 'slurm', but engine is local",
        ),
        ("simulated", {"engine_options": {"simulated": {"nodse": {}}}}, "engines.simulated: Script: nodse"),
        (
            "simulated",
            {"engine_options": {"simulated": {"script": "/nowhere/script.json"}}},
            "engines.simulated: script /nowhere/script.json cannot be read",
        ),
        (
            "simulated",
            {"engine_options": {"simulated": {"script": "x", "seconds": 1}}},
            "script must be the path of a file, and the only option",
        ),
    ],
)
def test_mistakes_are_one_clear_line(
    tmp_path: Path, engine: str, arguments: dict[str, object], expected: str
) -> None:
    text = refusal(tmp_path, engine, **arguments)
    assert expected in text
    assert "\n" not in text


def test_an_engine_of_another_package_runs_jobs(
    tmp_path: Path, toys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SimulatedClock()
    options = {"toy": {"seconds": "90", "level": "warning"}}
    with (
        caplog.at_level(logging.WARNING, "batchcompute"),
        LocalService(tmp_path / "data", engine="toy", engine_options=options, clock=clock) as service,
        service.client() as client,
    ):
        finish(client, client.create_job(job("anything")).Id or "")
        assert clock.monotonic() >= 90
    # A warning of its checks does not keep the service from starting.
    assert "engine toy: toy box: it is in data; look there" in caplog.text
    assert "it is there" not in caplog.text


def test_an_error_of_the_checks_of_another_package_is_a_refusal_in_the_same_words(
    tmp_path: Path, toys: Path
) -> None:
    text = refusal(tmp_path, "toy", engine_options={"toy": {"level": "error"}})
    site = checks.SiteContext({"level": "error"}, tmp_path / "data")
    finding = list(checks.check_site("toy", site))[-1]
    assert text.rstrip(".") == f"the engine 'toy' cannot be used: {finding}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gone", "the engine 'gone' cannot be loaded: No module named 'toys_that_are_gone'"),
        ("nameless", "the engine 'nameless' cannot be loaded: module 'toys' has no attribute 'nothing'"),
        ("broken", "the checks of the engine 'broken' cannot be loaded"),
    ],
)
def test_an_entry_point_that_cannot_be_imported(tmp_path: Path, toys: Path, name: str, expected: str) -> None:
    assert expected in refusal(tmp_path, name)
    # The directory is free again.
    LocalService(tmp_path / "data", slots=1).close()


def test_all_engines_of_this_package_can_be_loaded_or_say_what_they_need() -> None:
    for name in registry._BUILT_IN:
        try:
            assert callable(registry._load(name))
        except ConfigError as error:
            assert "install the extra" in str(error)


def test_a_missing_extra_has_the_same_words_at_the_start_and_in_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith("batchcompute.service.engines.dask.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.setitem(sys.modules, "distributed", None)
    (finding,) = checks.check_site("dask", checks.SiteContext({}, tmp_path))
    assert finding.action.startswith("install the extra dask: ")
    assert refusal(tmp_path, "dask").rstrip(".") == f"{finding.text}; {finding.action}"


def test_the_simulated_engine_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    script: dict[str, object] = {
        "seconds": 600,
        "rules": [{"task": "t", "steps": [{"fails": {"times": 1, "code": 3}}]}],
    }
    Script.from_dict(script)
    file.write_text(json.dumps(script), "utf-8")
    variants: list[dict[str, object]] = [script, {"script": str(file)}]
    for number, options in enumerate(variants):
        clock = SimulatedClock()
        with (
            LocalService(
                tmp_path / f"data{number}",
                engine="simulated",
                engine_options={"simulated": options},
                clock=clock,
            ) as service,
            service.client() as client,
        ):
            job_id = client.create_job(job({"t": task("x", MaxRetryCount=1)})).Id or ""
            finish(client, job_id)
            assert [attempt.ExitCode for attempt in client.list_attempts(job_id, "t", 0)] == [3, 0]
            assert clock.monotonic() >= 1200

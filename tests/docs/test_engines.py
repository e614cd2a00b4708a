"""The example of an engine in docs/engines.md: its contract, a service that uses it, and the doctor."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import batchcompute
from batchcompute.cli import main
from batchcompute.errors import ConfigError
from batchcompute.resources import JobDescription, TaskDescription
from batchcompute.service import LocalService
from batchcompute.service.engines import checks, registry
from batchcompute.service.engines.contract_suite import EngineContract, failures_of
from tests.service.helpers import finish
from tests.service.packages import install

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")

PAGE = (Path(__file__).parents[2] / "docs" / "engines.md").read_text("utf-8")
PYTHON = (
    f"PYTHONPATH={shlex.quote(str(Path(batchcompute.__file__).parents[1]))} {shlex.quote(sys.executable)}"
)
STUB = """#!/bin/sh
[ "$1" = localhost ] || { echo "ssh: Could not resolve hostname $1" >&2; exit 255; }
shift
exec sh -c "$*"
"""

MODULES = ("toy_ssh", "toy_ssh_checks")

QUICK = (
    "test_a_token_is_submitted_once",
    "test_exit_codes",
    "test_time_limit",
    "test_cancel_ends_an_attempt",
    "test_attach_after_a_crash",
)
"""The tests of the contract in each run; the long run has all of them."""


def block(title: str) -> str:
    match = re.search(rf'^```python title="{title}"\n(.*?)^```', PAGE, re.DOTALL | re.MULTILINE)
    assert match, title
    return match[1]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the example, with the entry points of the page, and a command `ssh` that runs commands here."""
    folder = tmp_path / "packages"
    folder.mkdir()
    toml = re.search(r'^```toml title="pyproject.toml"\n(.*?)^```', PAGE, re.DOTALL | re.MULTILINE)
    assert toml
    import tomllib

    points = tomllib.loads(toml[1])["project"]["entry-points"]
    assert set(points) == {registry.GROUP, checks.GROUP}
    install(folder, monkeypatch, {name: block(f"{name}.py") for name in MODULES}, points)
    stub = tmp_path / "bin" / "ssh"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(stub.parent), prepend=":")
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def suite() -> type[EngineContract]:
    names: dict[str, Any] = {"__name__": "test_toy_ssh"}
    exec(compile(block("test_toy_ssh.py"), "docs/engines.md", "exec"), names)
    contract: type[Any] = names["TestSshEngine"]

    class Contract(contract):  # type: ignore[misc]
        """The suite of the page, which waits for the calls of `ssh` that a killed service has left."""

        options: ClassVar[dict[str, str]] = {"python": PYTHON}

        def restarted(self, engine: Any) -> Any:
            if engine is None:
                self.engines: list[Any] = []
            self.engines.append(super().restarted(engine))
            return self.engines[-1]

        def clean_up(self) -> None:
            for engine in self.engines:
                for call in engine.calls.values():
                    call.wait(30)
            super().clean_up()

    return Contract


@pytest.mark.usefixtures("package")
def test_the_example_keeps_the_most_important_rules_of_the_contract() -> None:
    assert failures_of(suite(), *QUICK) == {}


@pytest.mark.long
@pytest.mark.usefixtures("package")
def test_the_example_keeps_the_whole_contract() -> None:
    assert failures_of(suite()) == {}


@pytest.mark.usefixtures("package")
def test_a_service_runs_jobs_on_the_example(tmp_path: Path) -> None:
    options = {"ssh": {"host": "localhost", "directory": str(tmp_path / "shared"), "python": PYTHON}}
    with (
        LocalService(tmp_path / "data", engine="ssh", engine_options=options) as service,
        service.client() as client,
    ):
        job = JobDescription(Name="toy")
        task = TaskDescription.of_command("exit 3", instance_type="ecs.s3.large")
        job.DAG.add_task("t", task)
        created = client.create_job(job).Id or ""
        finish(client, created, "Failed")
        assert client.get_instance(created, "t", 0).Result.ExitCode == 3


@pytest.mark.usefixtures("package")
def test_the_doctor_and_the_start_use_the_checks_of_the_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--engine", "ssh", "--port", "0", "--engine-options", f"ssh.directory={tmp_path}"]
    assert main(["doctor", *arguments, "--engine-options", "ssh.host=localhost"]) == 0
    assert capsys.readouterr().out.startswith("ok       ssh localhost: the machine can be reached\n")
    assert main(["doctor", *arguments, "--engine-options", "ssh.host=nowhere"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "error    ssh nowhere: ssh: Could not resolve hostname nowhere"
    with pytest.raises(ConfigError, match="ssh: Could not resolve hostname nowhere; try `ssh nowhere true`"):
        LocalService(
            tmp_path / "data",
            engine="ssh",
            engine_options={"ssh": {"host": "nowhere", "directory": str(tmp_path)}},
        )


def test_the_example_is_short() -> None:
    lines = [line for line in block("toy_ssh.py").splitlines() if line.strip() and "import" not in line]
    assert len(lines) <= 65

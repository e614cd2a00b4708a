"""Settings that are wrong, sites that cannot run attempts, TLS, and the checks of a site."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from batchcompute.errors import ConfigError
from batchcompute.service import LocalService
from batchcompute.service.clock import SYSTEM_CLOCK
from batchcompute.service.engines.base import Exited, Lost
from batchcompute.service.engines.dask.doctor import check_site
from batchcompute.service.engines.dask.engine import DaskEngine
from batchcompute.service.engines.dask.options import read_options

from .certificates import write_certificates
from .cluster import DaskCluster, free_port, processes_with
from .helpers import DaskHarness, context, until


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schduler": "x"}, "engines.dask has no option 'schduler'; the nearest is 'scheduler'"),
        ({"scheduler": "10.0.0.1:8786"}, r"engines.dask.scheduler must be an address .* not '10.0.0.1:8786'"),
        ({"scheduler": "tcp://u:p@h:1"}, "engines.dask.scheduler must be an address"),
        ({"workers": "many"}, "engines.dask.workers must be an integer from 0 to 1000, not 'many'"),
        ({"workers": -1}, "engines.dask.workers must be an integer from 0 to 1000, not -1"),
        ({"tls_ca": "/nowhere/ca.pem"}, "engines.dask.tls_ca must be an absolute path of a file, not '/nowhere"),
        ({"scheduler": "tls://h:1"}, "engines.dask.tls_ca must be set, because engines.dask.scheduler is tls://h:1"),
        ({"scheduler": "tcp://h:1", "threads": 2}, "engines.dask.threads must be left out"),
        ({"sandbox": "perhaps"}, "engines.dask.sandbox must be 'auto', 'always' or 'never', not 'perhaps'"),
        ({"resources": {"a": {"GPU": -1}}}, "engines.dask.resources must be a table for each instance type"),
        ({"resources": {"a": {"GPU": float("nan")}}}, "engines.dask.resources must be a table"),
        ({"variables": "A=1"}, "engines.dask.variables must be names of variables, separated by commas, not 'A=1'"),
        ({"work": "relative"}, "engines.dask.work must be an absolute path, not 'relative'"),
        ({"grace": "nan"}, "engines.dask.grace must be a number of seconds from 1, not 'nan'"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_line_that_names_it(options: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        read_options(options)
    assert "\n" not in str(raised.value)


def test_certificates_without_tls_are_refused(tmp_path: Path) -> None:
    files = write_certificates(tmp_path)
    with pytest.raises(
        ConfigError, match=r"engines\.dask\.tls_ca needs engines\.dask\.scheduler to begin with tls"
    ):
        read_options({"scheduler": "tcp://h:1", **files})


def test_values_of_the_command_line_are_texts() -> None:
    options = read_options({"slots": "12", "variables": "A,B", "grace": "2.5"})
    assert (options.slots, options.variables, options.grace) == (12, ("A", "B"), 2.5)


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    options = {"scheduler": address, "connect_timeout": 0.5}
    with pytest.raises(
        ConfigError, match=f"engines.dask.scheduler: the Dask scheduler {address} does not answer"
    ):
        LocalService(tmp_path, engine="dask", engine_options={"dask": options})
    (finding,) = check_site(options, "", SYSTEM_CLOCK)
    assert finding.level == "error"
    assert address in finding.text


@pytest.fixture
def blocked(tmp_path: Path) -> dict[str, str]:
    """Return variables with which a worker cannot load this package."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'batchcompute': raise ModuleNotFoundError(\"No module named 'batchcompute'\")\n"
        "sys.meta_path.insert(0, Block())\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.long
def test_the_checks_of_a_site(tmp_path: Path, blocked: dict[str, str]) -> None:
    cluster = DaskCluster(tmp_path, workers=1, threads=1)
    try:
        cluster.wait()
        options = {"scheduler": cluster.address, "resources": {"ecs.gpu": {"GPU": 1.0}}}
        findings = check_site(options, f"http://127.0.0.1:{free_port()}", SYSTEM_CLOCK)
        errors = [finding for finding in findings if finding.level == "error"]
        (error,) = errors
        assert "does not reach the service" in error.text
        texts = " ".join(finding.text for finding in findings)
        assert "no TLS" in texts
        assert "1 workers have 1 threads" in texts
        assert "no worker has the resources of the instance type ecs.gpu" in texts
        cluster.add_worker("--no-nanny", environment=blocked)
        cluster.wait()
        findings = check_site({"scheduler": cluster.address, "work": "/proc/none"}, "", SYSTEM_CLOCK)
        texts = " ".join(f"{finding.text} {finding.action}" for finding in findings)
        assert "it cannot load this package: ModuleNotFoundError" in texts
        assert "openbatchcompute[dask]" in texts
        assert "cannot write to the directory for attempts" in texts
        with pytest.raises(ConfigError, match=r"cannot load this package .* install it for .*pip install"):
            DaskEngine.create(context(tmp_path, {"scheduler": cluster.address}))
    finally:
        cluster.close()


@pytest.mark.long
def test_tls_and_a_wrong_authority(tmp_path: Path) -> None:
    files = write_certificates(tmp_path)
    arguments = (
        "--tls-ca-file", files["tls_ca"], "--tls-cert", files["tls_cert"], "--tls-key", files["tls_key"],
    )  # fmt: skip
    cluster = DaskCluster(tmp_path, workers=1, threads=1, arguments=arguments)
    try:
        options = {"scheduler": cluster.address, "work": str(tmp_path / "work"), **files}
        other = tmp_path / "other"
        other.mkdir()
        wrong = {**options, **write_certificates(other), "connect_timeout": 1.0}
        harness = DaskHarness()
        harness._number = 0
        until(lambda: _ready(tmp_path, options), "the worker is there")
        with pytest.raises(ConfigError, match=r"engines\.dask\.scheduler: .* does not answer"):
            DaskEngine.create(context(tmp_path, wrong))
        engine = DaskEngine.create(context(tmp_path, options))
        try:
            engine.attach([])
            spec = harness.spec("exit 3")
            engine.submit([spec])
            until(lambda: isinstance(engine.status([spec.token])[spec.token], Exited), "it ends")
        finally:
            engine.close()
    finally:
        cluster.close()


def _ready(folder: Path, options: Mapping[str, object]) -> bool:
    return any("1 workers" in finding.text for finding in check_site(options, "", SYSTEM_CLOCK))


def test_a_cluster_of_its_own_ends_with_the_engine(tmp_path: Path) -> None:
    engine = DaskEngine.create(context(tmp_path, {"workers": 1, "work": str(tmp_path)}, slots=2))
    engine.attach([])
    harness = DaskHarness()
    harness._number = 0
    specs = [harness.spec("exit 5"), harness.spec("sleep 314157")]
    engine.submit(specs)
    handles = [spec.token for spec in specs]
    until(lambda: isinstance(engine.status(handles)[handles[0]], Exited), "the first one ends")
    until(lambda: processes_with("sleep 314157"), "the second one runs")
    assert not engine.capabilities.survives
    assert engine.capabilities.slots == 4
    engine.close(leave_running=True)
    assert isinstance(engine.status(handles)[handles[1]], Lost)
    assert not processes_with("sleep 314157")

"""`batchcompute doctor`: findings about the sites of engines, and its exit status."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from batchcompute.runner import sandbox
from batchcompute.runner.sandbox import SandboxSupport
from batchcompute.service.engines import checks, local_checks
from batchcompute.service.engines.checks import SiteContext
from batchcompute.service.engines.findings import Finding
from tests.cli.helpers import Terminal

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


def local(data_dir: Path, **settings: object) -> dict[str, Finding]:
    """Return the worst finding about each part of this machine, by its first word."""
    ranks = ("ok", "warning", "error")
    worst: dict[str, Finding] = {}
    for finding in local_checks.check_local(SiteContext({}, data_dir, **settings)):  # type: ignore[arg-type]
        name = finding.subject.split(" ")[0]
        if name not in worst or ranks.index(finding.level) > ranks.index(worst[name].level):
            worst[name] = finding
    return worst


def test_a_good_machine(cli: Terminal, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    done = cli("doctor", "--data-dir", str(data_dir))
    assert done.status == 0, done
    assert "pidfd: ends of processes are seen at once" in done.out
    assert f"data_dir {data_dir}: it can be made in {tmp_path}" in done.out
    assert " checks: no errors, " in done.out
    # It leaves nothing behind.
    assert list(tmp_path.iterdir()) == []


def test_findings_as_json_and_the_status_for_errors(cli: Terminal, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("not of the service")
    done = cli("doctor", "--engine", "local,simulated", "--data-dir", str(tmp_path), "--json")
    assert done.status == 1
    result = json.loads(done.out)
    assert result["Ok"] is False
    errors = [finding for finding in result["Engines"]["local"] if finding["Level"] == "error"]
    assert [error["Action"] for error in errors] == ["set data_dir to another directory"]
    assert "is no data directory: it holds letter.txt" in errors[0]["Text"]
    assert [finding["Level"] for finding in result["Engines"]["simulated"]] == ["ok"]


def test_mistakes_have_the_words_of_serve(cli: Terminal, tmp_path: Path) -> None:
    for arguments in (
        ("--engine", "lcoal"),
        ("--engine-options", "slurm.partition=all"),
        ("--sandbox", "no"),
    ):
        done = cli("doctor", *arguments)
        assert done.status == 2
        # The usual port may be in use, which is a mistake, too.
        served = cli("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), *arguments)
        assert done.err == served.err
        assert done.err.count("\n") == 1
        assert done.out == ""


def test_a_wrong_option_of_one_engine_does_not_hide_the_others(cli: Terminal, tmp_path: Path) -> None:
    arguments = (
        "--engine",
        "slurm,local",
        "--engine-options",
        "slurm.partitoin=all",
        "--data-dir",
        str(tmp_path),
    )
    done = cli("doctor", *arguments, "--port", "0")
    assert done.status == 2
    assert "slurm:\nerror" in done.out
    assert "partitoin" in done.out
    assert "local:\nok" in done.out


def test_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o755)
    data_dir.chmod(0o755)
    finding = local(data_dir)["data_dir"]
    assert (finding.level, finding.action) == ("warning", f"chmod 700 {data_dir}")
    data_dir.chmod(stat.S_IRWXU)
    assert local(data_dir)["data_dir"].level == "ok"
    file = tmp_path / "file"
    file.touch()
    assert local(file)["data_dir"].level == "error"
    assert local(file / "below")["data_dir"].level == "error"
    assert local(data_dir, work_dir=file)["work_dir"].level == "error"
    monkeypatch.setattr(local_checks, "_file_system", lambda place: "nfs4")
    assert "nfs4, on which a database can be damaged" in local(data_dir)["data_dir"].text


def test_the_type_of_a_file_system_is_known() -> None:
    assert local_checks._file_system(Path("/proc")) == "proc"


@pytest.mark.parametrize(("free", "level"), [(1, "error"), (10**8, "warning"), (10**12, "ok")])
def test_the_room_on_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: _Usage(free))
    (tmp_path / "data").mkdir(mode=0o700)
    assert local(tmp_path / "data")["data_dir"].level == level


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


@pytest.mark.parametrize(
    ("support", "use", "level"),
    [
        (SandboxSupport(True, True), "auto", "ok"),
        (SandboxSupport(True, False), "auto", "warning"),
        (SandboxSupport(False, reason="no bwrap"), "auto", "warning"),
        (SandboxSupport(False, reason="no bwrap"), "always", "error"),
        (SandboxSupport(False, reason="no bwrap"), "never", "ok"),
    ],
)
def test_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, support: SandboxSupport, use: str, level: str
) -> None:
    monkeypatch.setattr(sandbox, "probe", lambda: support)
    finding = local(tmp_path, sandbox=use)["sandbox"]
    assert finding.level == level
    assert bool(finding.action) == (level != "ok")


def test_a_missing_pidfd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_checks, "HAS_PIDFD", False)
    assert local(tmp_path)["pidfd"].level == "warning"
    monkeypatch.setattr(local_checks, "HAS_PIDFD", True)

    def refuse(pid: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert local(tmp_path)["pidfd"].level == "error"


def test_nodes_can_try_the_address_before_a_service_runs(
    cli: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def visit(site: SiteContext) -> Iterator[Finding]:
        tried.append(site.endpoint)
        with urllib.request.urlopen(f"{site.endpoint}/healthz", timeout=5) as answer:
            yield Finding("ok", "node", f"it reaches the service: {answer.status}")

    monkeypatch.setattr(checks, "_BUILT_IN", {"slurm": visit})
    done = cli("doctor", "--engine", "slurm", "--port", "0")
    assert done.status == 0, done
    assert done.out == "ok       node: it reaches the service: 200\n1 checks: no errors, no warnings\n"
    # A service that runs at the address answers by itself.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        def look(site: SiteContext) -> Iterable[Finding]:
            return [Finding("ok", "endpoint", site.endpoint)]

        monkeypatch.setattr(checks, "_BUILT_IN", {"slurm": look})
        done = cli("doctor", "--engine", "slurm", "--port", str(port))
        assert f"endpoint: http://127.0.0.1:{port}" in done.out
        done = cli("doctor", "--engine", "slurm", "--node-endpoint", "http://head:1")
        assert "endpoint: http://head:1\n" in done.out


def test_texts_of_findings_cannot_control_the_terminal(
    cli: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = Finding("error", "node\n1", "it is \x1b[2Jodd", "look\rthere")
    monkeypatch.setattr(checks, "_BUILT_IN", {"local": lambda site: [finding]})
    done = cli("doctor")
    assert done.status == 1
    assert "\x1b" not in done.out
    assert len(done.out.splitlines()) == 3

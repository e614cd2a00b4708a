"""The few pids that can belong to a short attempt."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from batchcompute.runner import processes, recent_pids
from batchcompute.runner.processes import TOKEN_VARIABLE, AttemptProcesses
from batchcompute.runner.recent_pids import pids_since
from tests.service.helpers import until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")

_TOKEN = "service-1-0-0-abc"


@contextmanager
def _shim(command: str) -> Iterator[tuple[int, str]]:
    """Run a shim that has exited and is not waited for yet; give its pid and its output."""
    environment = {**os.environ, TOKEN_VARIABLE: _TOKEN}
    with subprocess.Popen(
        ["/bin/sh", "-c", command], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as shim:
        assert shim.stdout is not None
        output = shim.stdout.readline()
        os.waitid(os.P_PID, shim.pid, os.WEXITED | os.WNOWAIT)
        yield shim.pid, output.strip()


def test_a_program_without_children_leaves_no_pid_of_its_own() -> None:
    with _shim("echo") as (pid, _):
        pids = pids_since(pid)
        # Other programs of this machine may have started meanwhile.
        assert pids is None or pid not in pids
        assert AttemptProcesses(threading.Lock()).kill_group(_TOKEN, pid, {}, is_short=True)


def test_a_process_that_left_the_session_is_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_pids, "_MOST_PIDS", 100_000)
    with _shim("setsid sleep 1234 >/dev/null & echo $!") as (pid, child):
        pids = pids_since(pid)
        assert pids is not None
        assert int(child) in pids
        until(lambda: processes._session(child) == child)
        attempt = AttemptProcesses(threading.Lock())
        # The whole search is not needed to find it.
        monkeypatch.setattr(os, "listdir", lambda _: [])
        assert not AttemptProcesses._are_of_others(_TOKEN, pids, {})
        monkeypatch.undo()
        assert not attempt.kill_group(_TOKEN, pid, {}, is_short=True)
        attempt.kill(_TOKEN, pid, ended=True)
        assert all(processes._is_zombie(other) for other in attempt.find(_TOKEN, str(pid), {}))


def test_a_process_that_is_started_during_the_look_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the attempt starts another one and exits, just before it is looked at."""
    tokens = {"11": "other", "12": _TOKEN}
    monkeypatch.setattr(processes, "_inode", lambda name: int(name in tokens))
    monkeypatch.setattr(processes, "_session", lambda _: "")
    monkeypatch.setattr(processes, "_token_of", tokens.get)
    monkeypatch.setattr(processes, "pids_since", lambda _: range(11, 13))
    assert not AttemptProcesses._are_of_others(_TOKEN, range(11, 12), {})
    tokens["12"] = "other"
    assert AttemptProcesses._are_of_others(_TOKEN, range(11, 12), {})


@pytest.mark.parametrize(
    ("content", "pids"),
    [
        (b"0.10 0.20 0.30 1/100 1005\n", range(1001, 1006)),
        (b"0.10 0.20 0.30 1/100 1000\n", range(1001, 1001)),
        (b"0.10 0.20 0.30 1/100 999\n", None),
        (b"0.10 0.20 0.30 1/100 9999\n", None),
        (b"0.00 0.00 0.00 0/0 0\n", None),
        (b"", None),
        (b"nonsense", None),
    ],
)
def test_without_a_certain_answer_there_is_none(
    content: bytes, pids: range | None, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = f"{tmp_path}/loadavg"
    with open(file, "wb") as stream:  # noqa: PTH123
        stream.write(content)
    monkeypatch.setattr(recent_pids, "_LOAD", file)
    monkeypatch.setattr(recent_pids, "_is_of_kernel", lambda: True)
    assert pids_since(1000) == pids
    # A program that replaces the file of the kernel, as in some containers, keeps old numbers in it.
    monkeypatch.setattr(recent_pids, "_is_of_kernel", lambda: False)
    assert pids_since(1000) is None


def test_an_environment_that_the_kernel_is_still_setting_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For an instant, a process that replaces its program looks like one with an empty environment."""
    environments = [b"", b"", b"A=1\0" + f"{TOKEN_VARIABLE}={_TOKEN}".encode() + b"\0"]

    def read(path: str, _: str) -> io.BytesIO:
        return io.BytesIO(environments.pop(0) if path.endswith("environ") else b"1000 (sh) S 1 1000 1000")

    monkeypatch.setattr(processes, "open", read, raising=False)
    monkeypatch.setattr(processes, "_has_none", lambda _: True)
    assert processes._token_of("1000") == _TOKEN


def test_an_environment_that_stays_empty_has_no_token() -> None:
    with subprocess.Popen(["/bin/sleep", "1234"], env={}) as process:
        try:
            assert processes._token_of(str(process.pid)) == ""
        finally:
            process.kill()

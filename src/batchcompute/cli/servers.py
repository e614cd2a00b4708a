"""The server of a data directory: find it, start it in the background, end it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from batchcompute.cli.failures import MISTAKE, UNAVAILABLE, CommandError, fail
from batchcompute.errors import ConfigError
from batchcompute.service.data_directory import check_data_directory
from batchcompute.service.locking import lock_file, unlock_file
from batchcompute.service.transports.proxy import announced_server, running_server

__all__: list[str] = []

LOG: Final = "server.log"
"""Name of the log of a background server in its data directory."""

_MOST_LOG: Final = 16 * 1024**2
"""Size in bytes above which the log is moved aside at the next start."""

DEFAULT_PORT: Final = 8790

_OTHERS: Final = "other machines reach it at "
"""Begin of the line of a server that can be reached by other machines."""

_INTERVAL: Final = 0.01
"""Seconds between two looks at a process."""


_started: list[subprocess.Popen[bytes]] = []
"""The servers that this process has started. They keep running after its end."""


class Server(NamedTuple):
    """A server that has proved that it owns the data directory."""

    url: str
    """Its URL."""
    pid: int
    """Id of its process."""
    others: str = ""
    """The line with its addresses for other machines, of a server that was just started; empty if there are none."""


def find(directory: Path) -> Server | None:
    """Return the running server of a data directory; None if there is none.

    Args:
        directory: The data directory.
    """
    try:
        proxy = running_server(directory)
    except ConfigError:
        # The announcement is that of a server that was killed.
        return None
    if proxy is None:
        return None
    proxy.close()
    try:
        return Server(proxy.url, int(json.loads((directory / "server.json").read_text("utf-8"))["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        # The server has ended meanwhile.
        return None


def owner_of(directory: Path) -> int:
    """Return the id of the process that has a data directory open; 0 if there is none.

    Args:
        directory: The data directory.
    """
    with suppress(OSError, ValueError):
        fd = os.open(directory / "lock", os.O_RDWR | os.O_CLOEXEC)
        try:
            pid = int(os.read(fd, 32).decode("ascii").strip() or "0")
            if not _is_alive(pid):
                return 0
            try:
                lock_file(fd, wait=False)
            except OSError:
                return pid
            unlock_file(fd)
        finally:
            os.close(fd)
    return 0


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def start(directory: Path, options: Sequence[str], seconds: float) -> Server:
    """Start a server in the background; return it when it answers.

    Args:
        directory: The data directory.
        options: Further arguments of ``batchcompute serve``.
        seconds: The longest time to wait.

    Raises:
        ConfigError: The directory cannot be used.
        CommandError: The server ended, or did not answer in time.
    """
    check_data_directory(directory)
    _reap_ended()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = directory / LOG
        if log.exists() and log.stat().st_size > _MOST_LOG:
            log.replace(log.with_name(f"{LOG}.1"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        fd = os.open(log, flags, 0o600)
    except OSError as error:
        raise ConfigError(f"the data directory {directory} cannot be written: {error}") from None
    try:
        chooses = is_port_unset(options)
        if chooses and not _is_free(DEFAULT_PORT):
            chooses, options = False, [*options, "--port", "0"]
        try:
            return _launch(directory, options, log, fd, seconds)
        except CommandError:
            if not chooses or _is_free(DEFAULT_PORT):
                raise
        # Another server has taken the port meanwhile.
        return _launch(directory, [*options, "--port", "0"], log, fd, seconds)
    finally:
        os.close(fd)


def is_port_unset(options: Sequence[str]) -> bool:
    """Return whether no option and no variable sets the port; a settings file counts as setting it.

    Args:
        options: Arguments of ``batchcompute serve``.
    """
    from batchcompute.service.settings import OPTIONS

    return not {"--port", "--config"} & set(options) and OPTIONS["port"].variable not in os.environ


def _launch(directory: Path, options: Sequence[str], log: Path, fd: int, seconds: float) -> Server:
    """Start a server whose output goes to a log, and return it when it answers."""
    begin = os.fstat(fd).st_size
    command = [
        sys.executable,
        "-P",
        "-m",
        "batchcompute.cli",
        "serve",
        "--data-dir",
        str(directory),
        *options,
    ]
    # A session of its own: Ctrl-C and the end of this terminal are not for the server.
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=fd, stderr=fd, start_new_session=True
    )
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status = process.poll()
        if status is not None:
            text = f"the server ended at its start: {_last_line(log, begin, status)}"
            # For a mistake in the settings, the status is that of `serve`.
            fail(text, MISTAKE if status == MISTAKE else UNAVAILABLE)
        url, _ = announced_server(directory)
        server = find(directory) if url else None
        if server is not None and server.pid == process.pid:
            _started.append(process)
            # The server prints it before it answers.
            lines = _lines_since(log, begin)
            return server._replace(others=next((line for line in lines if line.startswith(_OTHERS)), ""))
        time.sleep(_INTERVAL)
    process.terminate()
    process.wait()
    return fail(f"the server did not answer within {seconds:g} s; its log is {log}", UNAVAILABLE)


def _reap_ended() -> None:
    """Reap the started servers that have ended, so that they are no zombies."""
    _started[:] = [process for process in _started if process.poll() is None]


def _lines_since(log: Path, begin: int) -> list[str]:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read(65536).decode("utf-8", "replace").strip().splitlines()


def _last_line(log: Path, begin: int, status: int) -> str:
    lines = _lines_since(log, begin)
    text = lines[-1].removeprefix("batchcompute: ") if lines else f"exit status {status}"
    return f"{text} (log: {log})"


def _is_free(port: int) -> bool:
    """Return whether a port of this machine can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def stop(server: Server, seconds: float) -> bool:
    """End a server; return whether it has ended in time.

    Args:
        server: The server.
        seconds: The longest time to wait.

    Raises:
        OSError: The process belongs to another user.
    """
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _reap_ended()
        if not _is_alive(server.pid) or _is_zombie(server.pid):
            return True
        time.sleep(_INTERVAL)
    return False


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended, and its parent has not noticed yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except (OSError, IndexError):
        return False

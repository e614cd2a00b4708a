"""``batchcompute doctor``: checks of the sites of engines before the first job."""

from __future__ import annotations

import inspect
import socket
import sys
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click

from batchcompute.cli.arguments import chosen_settings, settings_options
from batchcompute.cli.failures import FAILED, MISTAKE
from batchcompute.cli.framework import Leaf, examples
from batchcompute.cli.output import has_color, write, write_json
from batchcompute.cli.state import OF_DIRECTORY, state_of
from batchcompute.cli.texts import clean
from batchcompute.errors import ConfigError
from batchcompute.service.data_directory import default_directory
from batchcompute.service.engines.findings import OPTIONS
from batchcompute.service.setting_sources import load_settings

if TYPE_CHECKING:
    from batchcompute.service.engines.findings import Finding
    from batchcompute.service.settings import Settings

__all__: list[str] = []

_SETTINGS: Final = (
    "config", "engine", "engine_options", "node_endpoint", "host", "port", "work_dir", "sandbox",
)  # fmt: skip
"""The settings that checks use, besides the data directory."""

_ONE_MACHINE: Final = frozenset({"local", "simulated"})
"""The engines that run jobs on this machine only, so that no node has to reach the service."""

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_LONGEST_REQUEST: Final = 2.0
"""Seconds after which a connection that sends nothing is closed."""

_LONGEST_JOIN: Final = 3.0
"""Seconds to wait at the end for the thread that answers connections."""

_COLORS: Final[Mapping[str, int]] = {"ok": 32, "warning": 33, "error": 31}


def _doctor(**values: object) -> int:
    """Check whether engines can run jobs: machine, directories, commands, cluster and nodes.

    The settings are those of `serve`, which refuses to start for the same errors. Each warning and each error says what
    to do. To check a cluster, the command runs a small job on it. The status is 0 if there is no error, 1 if there is
    one, and 2 if arguments or options of an engine are wrong.
    """
    state = state_of(click.get_current_context())
    settings = load_settings(chosen_settings(values, state))
    from batchcompute.service.assembly import check_engine_names
    from batchcompute.service.resolved_settings import resolve

    resolved = resolve(settings)
    check_engine_names(resolved, settings.spelled("engine"))
    everything: dict[str, list[Finding]] = {}
    with _endpoint(settings, _ONE_MACHINE.issuperset(resolved.engines)) as endpoint:
        for name in resolved.engines:
            if not state.json and len(resolved.engines) > 1:
                write(f"{name}:")
            everything[name] = []
            for finding in _findings(name, settings, endpoint):
                everything[name].append(finding)
                if not state.json:
                    _write(finding)
    levels = [finding.level for findings in everything.values() for finding in findings]
    errors = levels.count("error")
    if state.json:
        engines = {name: [_plain(finding) for finding in findings] for name, findings in everything.items()}
        write_json({"Ok": not errors, "Engines": engines})
    else:
        write(
            f"{len(levels)} checks: {_number(errors, 'error')}, {_number(levels.count('warning'), 'warning')}"
        )
    # A wrong option of an engine is a finding, too, so that the other engines are checked.
    wrong = any(
        finding.level == "error" and finding.subject == OPTIONS
        for findings in everything.values()
        for finding in findings
    )
    return MISTAKE if wrong else FAILED if errors else 0


def _findings(name: str, settings: Settings, endpoint: str) -> Iterable[Finding]:
    from batchcompute.service.engines.checks import SiteContext, check_site

    directory = settings.data_dir or default_directory()
    options = settings.engine_options.get(name, {})
    return check_site(
        name,
        SiteContext(
            options, directory, settings.work_dir, settings.sandbox, settings.node_endpoint or endpoint
        ),
    )


@contextmanager
def _endpoint(settings: Settings, is_one_machine: bool) -> Generator[str]:
    """Yield the URL that the service has, or would have. While no service runs, a socket answers there."""
    if is_one_machine:
        yield ""
        return
    from batchcompute.service.transports.server import listen

    with ExitStack() as stack:
        names = (settings.spelled("host"), settings.spelled("port"))
        try:
            address = stack.enter_context(listen(settings.host, settings.port, insecure=True, settings=names))
        except ConfigError:
            # A service that runs answers by itself. If another program has the port, the check from a node fails.
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            yield f"http://{host}:{settings.port}"
            return
        thread = threading.Thread(target=_answer, args=(address.socket,), daemon=True)
        thread.start()
        stack.callback(thread.join, _LONGEST_JOIN)
        # A thread that waits in `accept` does not notice that the socket is closed.
        stack.callback(address.socket.shutdown, socket.SHUT_RDWR)
        yield address.url


def _answer(listener: socket.socket) -> None:
    """Answer each request until the socket is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with suppress(OSError), connection:
            connection.settimeout(_LONGEST_REQUEST)
            connection.recv(65536)
            connection.sendall(_ANSWER)


doctor_command: Leaf = Leaf(
    "doctor",
    globals_=OF_DIRECTORY,
    callback=_doctor,
    params=[option for option in settings_options() if option.name in _SETTINGS],
    help=inspect.getdoc(_doctor),
    epilog=examples(
        "batchcompute doctor",
        "batchcompute doctor --engine slurm --engine-options slurm.directory=/shared/batchcompute",
        "batchcompute doctor --config service.toml --json",
    ),
)
"""The command."""


def _number(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'s' * (count != 1)}"


def _plain(finding: Finding) -> dict[str, str]:
    return {
        "Level": finding.level,
        "Subject": finding.subject,
        "Text": finding.text,
        "Action": finding.action,
    }


def _write(finding: Finding) -> None:
    """Write a finding as soon as it is known: a check of a cluster can take minutes."""
    word = f"{finding.level:<7}"
    if has_color(sys.stdout):
        word = f"\x1b[{_COLORS[finding.level]}m{word}\x1b[0m"
    write(f"{word}  {clean(finding.subject)}: {clean(finding.text)}")
    if finding.action:
        write(f"{'':<9}-> {clean(finding.action)}")

"""``batchcompute doctor``: checks of the sites of engines before the first job."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click

from batchcompute.cli.arguments import chosen_settings, settings_options
from batchcompute.cli.failures import FAILED
from batchcompute.cli.framework import Leaf, examples
from batchcompute.cli.output import has_color, write, write_json
from batchcompute.cli.state import OF_DIRECTORY, state_of
from batchcompute.cli.texts import clean
from batchcompute.service.data_directory import default_directory
from batchcompute.service.setting_sources import load_settings

if TYPE_CHECKING:
    from batchcompute.service.engines.findings import Finding
    from batchcompute.service.settings import Settings

__all__: list[str] = []

_SETTINGS: Final = ("config", "engine", "engine_options", "node_endpoint", "work_dir", "sandbox")
"""The settings that checks use, besides the data directory."""

_COLORS: Final[Mapping[str, int]] = {"ok": 32, "warning": 33, "error": 31}


def _doctor(**values: object) -> int:
    """Check whether engines can run jobs: machine, directories, commands, cluster and nodes.

    The settings are those of `serve`, which refuses to start for the same errors. Each warning and each error says what
    to do. The status is 0 if there is no error, 1 if there is one, and 2 if the arguments are wrong.
    """
    state = state_of(click.get_current_context())
    settings = load_settings(chosen_settings(values, state))
    from batchcompute.service.assembly import check_engine_names
    from batchcompute.service.resolved_settings import resolve

    resolved = resolve(settings)
    check_engine_names(resolved, settings.spelled("engine"))
    found: dict[str, list[Finding]] = {}
    for name in resolved.engines:
        if not state.json and len(resolved.engines) > 1:
            write(f"{name}:")
        found[name] = []
        for finding in _findings(name, settings, resolved.engine_options.get(name, {})):
            found[name].append(finding)
            if not state.json:
                _write(finding)
    everything = [finding for findings in found.values() for finding in findings]
    errors = sum(finding.level == "error" for finding in everything)
    if state.json:
        engines = {name: [_plain(finding) for finding in findings] for name, findings in found.items()}
        write_json({"Ok": not errors, "Engines": engines})
    else:
        warnings = sum(finding.level == "warning" for finding in everything)
        write(f"{len(everything)} checks: {_number(errors, 'error')}, {_number(warnings, 'warning')}")
    return FAILED if errors else 0


def _findings(name: str, settings: Settings, options: Mapping[str, object]) -> list[Finding]:
    raise NotImplementedError


doctor_command = Leaf(
    "doctor",
    globals_=OF_DIRECTORY,
    callback=_doctor,
    params=[option for option in settings_options() if option.name in _SETTINGS],
    help=_doctor.__doc__,
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

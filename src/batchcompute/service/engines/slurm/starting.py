"""Checks of a site at the start of a service, with the findings of the command ``doctor``."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Final

from batchcompute.errors import ConfigError
from batchcompute.service.engines.findings import Finding
from batchcompute.service.engines.slurm.checks import checks_of_options, checks_of_this_machine, sites_of
from batchcompute.service.engines.slurm.site import Site, read_site
from batchcompute.service.engines.slurm.state import State
from batchcompute.service.engines.slurm.visit import Visit

__all__ = ["check_at_start"]

_log = logging.getLogger("batchcompute.service.engine")

_TOLERATED_SUBJECTS: Final = ("clocks",)
"""Prefixes of the subjects of findings that only cause a warning.

Wrong clocks distort the times of logs, but attempts run.
"""


def check_at_start(state: State) -> Site:
    """Check this machine, the site and the nodes, and return the site.

    The check of the nodes takes a few seconds at most. If all nodes are busy for that time, the service starts, with a
    warning. If the nodes run attempts of an earlier service, they are not checked: their runners wait for the service, so
    its start is not delayed.

    Args:
        state: The state of the engine.

    Raises:
        ConfigError: The engine cannot run attempts. The message is that of the doctor.
        CommandsError: Slurm does not answer.
    """
    settings = state.settings
    for finding in checks_of_this_machine(settings, state.commands):
        _refuse(finding)
    site = read_site(state.commands)
    for finding in checks_of_options(settings, site):
        _refuse(finding)
    if settings.check_seconds and not state.journal.arrays:
        _visit(state)
    return site


def _refuse(finding: Finding) -> None:
    if not finding.ok:
        raise ConfigError(f"the Slurm engine cannot start: {finding}")


def _visit(state: State) -> None:
    settings, clock = state.settings, state.clock
    # The address is empty, because the service does not listen yet and no node could reach it.
    visits = [Visit(settings, site, label, "", state.commands, clock) for label, site in sites_of(settings)]
    with ExitStack() as stack:
        for visit in visits:
            stack.callback(visit.end)
            visit.begin()
        end = clock.monotonic() + settings.check_seconds
        for visit in visits:
            seconds = round(max(0.0, end - clock.monotonic()), 1)
            for finding in visit.findings(seconds):
                if visit.is_undecided or (not finding.ok and finding.subject.startswith(_TOLERATED_SUBJECTS)):
                    _log.warning("Slurm: %s", finding)
                else:
                    _refuse(finding)
            if visit.node:
                state.nodes.note_success(visit.node)

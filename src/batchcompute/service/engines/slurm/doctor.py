"""The doctor: all checks of a site, and small jobs that look at it from its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.engines.findings import Finding
from batchcompute.service.engines.slurm.checks import checks_of_site, checks_of_this_machine, sites_of
from batchcompute.service.engines.slurm.commands import Commands
from batchcompute.service.engines.slurm.settings import SlurmSettings
from batchcompute.service.engines.slurm.visit import Visit

__all__ = ["diagnose"]


def diagnose(
    options: Mapping[str, object],
    endpoint: str = "",
    commands: Commands | None = None,
    seconds: float = 120.0,
    clock: Clock = SYSTEM_CLOCK,
) -> Iterator[Finding]:
    """Check a site, and yield each finding as soon as it is known.

    Args:
        options: The options of the engine.
        endpoint: URL at which nodes reach the service; empty if it does not run, so that this is not checked.
        commands: The commands of Slurm; None for those of this machine.
        seconds: Seconds in which the small jobs must answer.
        clock: The source of time.

    Raises:
        ConfigError: An option is wrong.
    """
    settings = SlurmSettings.read(options)
    commands = commands or Commands(settings.command_timeout)
    is_in_order = True
    for checks in (checks_of_this_machine, checks_of_site):
        for finding in checks(settings, commands):
            is_in_order = is_in_order and finding.ok
            yield finding
        if not is_in_order:
            # A job could only fail for the same reasons.
            return
    with ExitStack() as stack:
        # They wait in Slurm at the same time.
        visits = [
            Visit(settings, site, label, endpoint, commands, clock) for label, site in sites_of(settings)
        ]
        for visit in visits:
            stack.callback(visit.end)
            visit.begin()
        end = clock.monotonic() + seconds
        for visit in visits:
            yield from visit.findings(seconds if visit is visits[0] else max(0.0, end - clock.monotonic()))

"""Checks of a site without a job: commands, controller, job arrays, partitions, and the directory on this machine."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from batchcompute.service.engines.findings import Finding
from batchcompute.service.engines.slurm.commands import Commands, CommandsError
from batchcompute.service.engines.slurm.settings import SiteOptions, SlurmSettings
from batchcompute.service.engines.slurm.site import Site, has_arrays, read_site

__all__ = ["OLDEST", "checks_of_options", "checks_of_site", "checks_of_this_machine", "sites_of"]

OLDEST: Final = (20, 11)
"""The oldest version of Slurm whose commands have all options that the engine uses."""

_SMALL_ARRAY = 100
"""``MaxArraySize`` below which large jobs become many arrays."""

_SHORTEST_MEMORY = 60
"""Seconds that a controller should remember jobs that have ended."""


def checks_of_this_machine(settings: SlurmSettings, commands: Commands) -> Iterator[Finding]:
    """Check what this machine needs: the commands, and the directory.

    Args:
        settings: The options of the engine.
        commands: The commands of Slurm.
    """
    missing = commands.missing()
    if missing:
        text = f"this machine has no {', '.join(missing)}"
        yield Finding("error", "commands", text, "install the client programs of Slurm, or set PATH")
    else:
        yield _version(commands)
    yield _directory(settings.directory)


def checks_of_site(settings: SlurmSettings, commands: Commands) -> Iterator[Finding]:
    """Check the site: the controller, job arrays, and all partitions that the options name.

    Args:
        settings: The options of the engine.
        commands: The commands of Slurm.
    """
    try:
        site = read_site(commands)
    except CommandsError as error:
        action = "check that `sinfo` works on this machine as the user of the service"
        yield Finding("error", "controller", str(error), action)
        return
    yield Finding("ok", "controller", f"it answers, with {len(site.nodes)} nodes")
    yield from checks_of_options(settings, site)
    yield from _states(settings, site)
    try:
        commands.queue("%i")
    except CommandsError as error:
        yield Finding("error", "queue", str(error), "check that `squeue --me` works on this machine")
    else:
        yield Finding("ok", "queue", "squeue answers")


def checks_of_options(settings: SlurmSettings, site: Site) -> Iterator[Finding]:
    """Check that the site has what the options name, and what the engine cannot work without.

    Args:
        settings: The options of the engine.
        site: The site.
    """
    if has_arrays(site):
        text = f"MaxArraySize is {site.max_array}"
        advice = (
            "large jobs become many arrays; set the option 'pack'" if site.max_array < _SMALL_ARRAY else ""
        )
        yield Finding("warning" if advice else "ok", "job arrays", text, advice)
    else:
        advice = "ask for a MaxArraySize of 1001 or more; the engine cannot work without arrays"
        yield Finding(
            "error", "job arrays", f"MaxArraySize is {site.max_array}, so the site has none", advice
        )
    for label, options in sites_of(settings):
        reason = site.refusal_of_partition(options.partition)
        if reason:
            yield Finding("error", f"partition{label}", reason, "set the option 'partition'")


def sites_of(settings: SlurmSettings) -> list[tuple[str, SiteOptions]]:
    """Return the different site options, each with the words that name it."""
    sites = {settings.site: ""}
    for name, options in settings.types.items():
        sites.setdefault(options, f" of {name}")
    return [(label, options) for options, label in sites.items()]


def _version(commands: Commands) -> Finding:
    try:
        text = commands.version()
    except CommandsError as error:
        return Finding("error", "commands", str(error), "check that `sbatch --version` works on this machine")
    match = re.search(r"(\d+)\.(\d+)", text)
    if match is None or (int(match[1]), int(match[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Finding("error", "commands", f"the version is {text[:60]!r}", f"use Slurm {oldest} or later")
    return Finding("ok", "commands", text)


def _directory(directory: str) -> Finding:
    folder = Path(directory)
    probe = folder / f"probe-{secrets.token_hex(8)}"
    advice = "set the option 'directory' to a directory on a shared file system that the user of the service can write"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"probe")
        probe.unlink()
        free = os.statvfs(folder)
    except OSError as error:
        return Finding("error", "directory", f"{directory} cannot be written: {error.strerror}", advice)
    if not free.f_bavail:
        return Finding(
            "error", "directory", f"{directory} is full", "make room, or set the option 'directory'"
        )
    return Finding("ok", "directory", f"{directory} can be written on this machine")


def _states(settings: SlurmSettings, site: Site) -> Iterator[Finding]:
    if settings.command_timeout <= site.message_timeout:
        text = f"commands are ended after {settings.command_timeout:g} seconds, and try for {site.message_timeout} (MessageTimeout)"
        yield Finding("warning", "command_timeout", text, "increase the option 'command_timeout'")
    if site.min_job_age and site.min_job_age < _SHORTEST_MEMORY:
        text = f"the controller forgets jobs {site.min_job_age} seconds after their end (MinJobAge)"
        yield Finding("warning", "memory of the controller", text, "the reasons of lost jobs may be missing")
    for label, options in sites_of(settings):
        if not site.refusal_of_partition(options.partition):
            yield _partition(site, label, options)


def _partition(site: Site, label: str, options: SiteOptions) -> Finding:
    name = f"partition{label}"
    partitions = site.partitions_of(options.partition)
    down = [partition for partition in partitions if partition.state != "UP"]
    words = ", ".join(partition.name for partition in partitions)
    if len(down) == len(partitions):
        return Finding(
            "error", name, f"{words} is {down[0].state}", "wait for it, or set the option 'partition'"
        )
    limit = site.max_minutes(options.partition)
    nodes = site.nodes_of(options.partition)
    largest = max(nodes, key=lambda node: (node.cpus, node.memory))
    return Finding(
        "ok",
        name,
        f"{words} has {len(nodes)} nodes, the largest with {largest.cpus} CPUs and {largest.memory} MiB of memory;"
        f" jobs may take {'any time' if limit is None else f'{limit} minutes'}",
    )

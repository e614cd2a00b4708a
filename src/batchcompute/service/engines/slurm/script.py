"""The options of ``sbatch`` for a job array, and the script that starts its runners."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.service.engines.slurm.settings import SiteOptions, SlurmSettings
from batchcompute.service.engines.slurm.site import Demand

__all__ = ["ArrayJob", "demand_of", "minutes_of", "script"]

_SLACK = 300.0
"""Seconds that are added to the time limits of attempts, for staging and uploads."""


@dataclass(frozen=True, slots=True)
class ArrayJob:
    """A job array, as ``sbatch`` is told about it."""

    name: str
    """Its name and comment, by which it is found again."""
    elements: int
    """Number of elements."""
    folder: str
    """Directory of its files."""
    demand: Demand
    """The needs of each element."""
    minutes: int | None
    """Time limit of an element; None for that of the partition."""
    site: SiteOptions
    """The site options."""
    excluded: tuple[str, ...] = ()
    """Nodes that must not run it."""

    def options(self) -> list[str]:
        """Return the options of ``sbatch``."""
        site = self.site
        memory = "" if site.memory == "none" else self.demand.memory and f"{self.demand.memory}M"
        gres = site.gres or (f"gpu:{self.demand.gpus}" if self.demand.gpus else "")
        optional = {
            "partition": site.partition,
            "account": site.account,
            "qos": site.qos,
            "constraint": site.constraint,
            "gres": gres,
            "mem": memory,
            "licenses": site.licenses,
            "time": self.minutes,
            "exclude": ",".join(self.excluded),
        }
        return [
            f"--job-name={self.name}",
            f"--comment={self.name}",
            f"--array=0-{self.elements - 1}",
            "--no-requeue",
            "--nodes=1",
            "--ntasks=1",
            f"--cpus-per-task={self.demand.cpus}",
            "--chdir=/",
            "--input=/dev/null",
            # One file for all runners: they write only what goes wrong.
            f"--output={self.folder}/runner.log",
            "--open-mode=append",
            # The environment of `sbatch`, which has no variables but harmless ones.
            "--export=ALL",
            *(f"--{name}={value}" for name, value in optional.items() if value),
        ]


def script(settings: SlurmSettings, job: ArrayJob, kill_wait: int) -> str:
    """Return the script of a job array.

    Args:
        settings: The options of the engine.
        job: The job array.
        kill_wait: Seconds that the site leaves between the signals TERM and KILL.
    """
    arguments = [
        f"{job.folder}/specs-{{index}}.json",
        f"--slots={settings.parallel}",
        f"--wait={settings.wait:g}",
        f"--patience={settings.patience:g}",
        f"--grace={max(1.0, min(20.0, kill_wait - 5.0)):g}",
        f"--deliver-logs={settings.deliver_logs}",
        *([f"--work={settings.work}"] if settings.work else []),
    ]
    lines = [
        "#!/bin/sh",
        *(f"#SBATCH {line}" for line in job.site.sbatch),
        "umask 077",
        settings.setup,
        # The program is not quoted, so that it may have arguments. The shell becomes the runner, which gets the signals.
        f"exec {settings.python} -m batchcompute.runner {shlex.join(arguments)}"
        ' --index="$SLURM_ARRAY_TASK_ID" --node="${SLURMD_NODENAME:-$(uname -n)}"',
    ]
    return "\n".join(line for line in lines if line) + "\n"


def demand_of(spec: AttemptSpec, site: SiteOptions, parallel: int) -> Demand:
    """Return what an element needs for attempts like this one.

    Args:
        spec: An attempt.
        site: The site options of its instance type.
        parallel: Attempts that run at the same time.
    """
    resources = spec.resources
    memory = resources.memory
    if site.memory:
        memory = 0 if site.memory == "none" else int(site.memory)
    gpus = resources.gpus
    if site.gres:
        counts = re.findall(r"(?:^|,)gpu(?::[A-Za-z][^:,]*)?(?::(\d{1,6}))?(?=,|$)", site.gres)
        gpus = sum(int(count or 1) for count in counts)
    return Demand(max(1, math.ceil(resources.cpus * parallel)), memory * parallel, gpus * parallel)


def minutes_of(
    elements: Sequence[Sequence[AttemptSpec]], site: SiteOptions, parallel: int, longest: int | None
) -> int | None:
    """Return the time limit of a job array in minutes, which Slurm rounds up to; None for that of the partition.

    The time limits of attempts are enforced by the runner. This limit only tells the scheduler how long an element may
    take at most.

    Args:
        elements: The attempts of each element.
        site: The site options.
        parallel: Attempts that run at the same time.
        longest: ``MaxTime`` of the partition in minutes; None for any time.
    """
    if site.time:
        return site.time if longest is None else min(site.time, longest)
    seconds = max(
        math.ceil(len(element) / parallel) * max(spec.time_limit for spec in element) for element in elements
    )
    minutes = math.ceil((seconds + _SLACK) / 60)
    return minutes if longest is None or minutes < longest else longest

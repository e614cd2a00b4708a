"""The site: its limits, partitions and nodes, as ``scontrol show`` prints them, and what fits into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from batchcompute.service.engines.slurm.commands import Commands

__all__ = ["Demand", "Node", "Partition", "Site", "read_site"]

_PAIR: Final = re.compile(r"(\w+)=(\S*)")
_SMALLEST_ARRAY = 2
"""``MaxArraySize`` of a site with arrays. It is larger by one than the highest element."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition."""

    name: str
    """Its name."""
    is_default: bool
    """Whether jobs go there that name no partition."""
    max_minutes: int | None
    """Minutes that a job may take; None for any time."""
    state: str
    """``UP``, ``DOWN``, ``DRAIN`` or ``INACTIVE``."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node."""

    name: str
    """Its name."""
    cpus: int
    """Number of CPUs."""
    memory: int
    """Memory in MiB."""
    gpus: int
    """Number of GPUs."""
    partitions: frozenset[str]
    """Names of its partitions."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The needs of one Slurm job on its node."""

    cpus: int
    """Number of CPUs."""
    memory: int = 0
    """Memory in MiB; 0 for any."""
    gpus: int = 0
    """Number of GPUs."""

    def __str__(self) -> str:
        """Return the demand in words."""
        words = [f"{self.cpus} CPU{'s' * (self.cpus > 1)}"]
        words += [f"{self.memory} MiB of memory"] * bool(self.memory)
        words += [f"{self.gpus} GPU{'s' * (self.gpus > 1)}"] * bool(self.gpus)
        return " and ".join(", ".join(words).rsplit(", ", 1))


@dataclass(frozen=True, slots=True)
class Site:
    """The limits of a site."""

    partitions: dict[str, Partition]
    """The partitions, by name."""
    nodes: dict[str, Node]
    """The nodes, by name."""
    max_array: int = 1001
    """``MaxArraySize``. The elements of an array have numbers below it."""
    kill_wait: int = 30
    """``KillWait``: seconds between the signals TERM and KILL."""
    message_timeout: int = 0
    """``MessageTimeout``: seconds for which commands try to reach the controller; 0 if that is unknown."""
    min_job_age: int = 0
    """``MinJobAge``: seconds for which jobs that have ended are known; 0 if that is unknown."""

    def partitions_of(self, text: str) -> list[Partition]:
        """Return the partitions of an option; those that do not exist are left out.

        Args:
            text: Names separated by commas; empty for the default partition.
        """
        if not text:
            return [partition for partition in self.partitions.values() if partition.is_default]
        return [self.partitions[name] for name in text.split(",") if name in self.partitions]

    def nodes_of(self, text: str) -> list[Node]:
        """Return the nodes of partitions.

        Args:
            text: Names separated by commas; empty for the default partition.
        """
        names = {partition.name for partition in self.partitions_of(text)}
        return [node for node in self.nodes.values() if node.partitions & names]

    def max_minutes(self, text: str) -> int | None:
        """Return the minutes that a job may take in one of several partitions; None for any time."""
        limits = [partition.max_minutes for partition in self.partitions_of(text)]
        known = [limit for limit in limits if limit is not None]
        return max(known) if known and len(known) == len(limits) else None

    def refusal_of_partition(self, text: str) -> str:
        """Return why no job can run in partitions; empty if jobs can.

        Args:
            text: Names separated by commas; empty for the default partition.
        """
        names = ", ".join(sorted(self.partitions))
        unknown = [name for name in text.split(",") if text and name not in self.partitions]
        if unknown:
            return f"the partition {unknown[0]!r} does not exist; the site has {names}"
        if not self.partitions_of(text):
            return f"the site has no default partition; set the option 'partition' to one of {names}"
        if not self.nodes_of(text):
            return f"the partition {text!r} has no nodes" if text else "the default partition has no nodes"
        return ""

    def refusal(self, text: str, demand: Demand) -> str:
        """Return why a job can never run; empty if it can.

        Args:
            text: Names of partitions separated by commas; empty for the default partition.
            demand: What the job needs.
        """
        reason = self.refusal_of_partition(text)
        if reason:
            return reason
        nodes = self.nodes_of(text)
        if any(
            demand.cpus <= node.cpus and demand.memory <= node.memory and demand.gpus <= node.gpus
            for node in nodes
        ):
            return ""
        largest = Demand(
            max(node.cpus for node in nodes),
            max(node.memory for node in nodes),
            max(node.gpus for node in nodes),
        )
        where = f"the partition {text!r}" if text else "the default partition"
        return f"it needs {demand}, and no node of {where} has that; the largest values are {largest}"


def read_site(commands: Commands) -> Site:
    """Ask Slurm for the site.

    Raises:
        CommandsError: A command failed.
    """
    return parse_site(commands.show("config"), commands.show("partition"), commands.show("node"))


def parse_site(config: str, partitions: str, nodes: str) -> Site:
    """Read the answers of ``scontrol show``.

    Args:
        config: Answer of ``scontrol show config``.
        partitions: Answer of ``scontrol -o show partition``.
        nodes: Answer of ``scontrol -o show node``.
    """
    values = {match[1]: match[2] for match in re.finditer(r"^(\w+)\s*=\s*(.*?)\s*$", config, re.MULTILINE)}
    parsed_partitions: dict[str, Partition] = {}
    for line in partitions.splitlines():
        pairs = _pairs(line)
        if name := pairs.get("PartitionName"):
            parsed_partitions[name] = Partition(
                name,
                pairs.get("Default") == "YES",
                _minutes(pairs.get("MaxTime", "")),
                pairs.get("State", ""),
            )
    parsed_nodes: dict[str, Node] = {}
    for line in nodes.splitlines():
        pairs = _pairs(line)
        if name := pairs.get("NodeName"):
            parsed_nodes[name] = Node(
                name,
                _integer(pairs.get("CPUEfctv", "")) or _integer(pairs.get("CPUTot", "")),
                _integer(pairs.get("RealMemory", "")),
                _gpus(pairs.get("Gres", "")),
                frozenset(pairs.get("Partitions", "").split(",")),
            )
    return Site(
        parsed_partitions,
        parsed_nodes,
        _integer(values.get("MaxArraySize", "1001")),
        _integer(values.get("KillWait", "")) or 30,
        _integer(values.get("MessageTimeout", "")),
        _integer(values.get("MinJobAge", "")),
    )


def has_arrays(site: Site) -> bool:
    """Return whether the site accepts job arrays."""
    return site.max_array >= _SMALLEST_ARRAY


def _pairs(line: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for match in _PAIR.finditer(line):
        # The text of an administrator's reason stands at the end.
        pairs.setdefault(match[1], match[2])
    return pairs


def _integer(text: str) -> int:
    match = re.match(r"\d{1,15}", text)
    return int(match[0]) if match else 0


def _minutes(text: str) -> int | None:
    """Return the minutes of ``[DAYS-]HOURS:MINUTES:SECONDS``; None for ``UNLIMITED``."""
    match = re.fullmatch(r"(?:(\d{1,9})-)?(\d{1,9}):(\d{1,2})(?::(\d{1,2}))?", text)
    if match is None:
        return None
    days, hours, minutes = int(match[1] or 0), int(match[2]), int(match[3])
    return days * 1440 + hours * 60 + minutes


def _gpus(text: str) -> int:
    """Return the GPUs of a list like ``gpu:a100:4(S:0-1),shard:8``."""
    count = 0
    for entry in text.split(","):
        match = re.match(r"gpu(?::[A-Za-z][^:()]*)?(?::(\d{1,6}))?(?:\(|$)", entry)
        if match:
            count += int(match[1] or 1)
    return count

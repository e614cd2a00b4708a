"""The specification of an attempt: what an engine needs to run it on any machine, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from batchcompute.runner.mappings import Mappings

__all__ = ["AttemptSpec", "Resources", "Token"]

Token: TypeAlias = str
"""Identifies one attempt of one instance; never used twice."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources that an attempt needs on its machine."""

    cpus: float = 1
    """Number of cores."""
    memory: int = 0
    """Memory in MiB; 0 if the instance type does not say."""
    gpus: int = 0
    """Number of GPUs."""


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    """One attempt of an instance, without any path of a machine.

    All files are object URLs, so the attempt can run on each machine that reaches the object storage. `spec_json`
    writes and reads it as JSON.
    """

    token: Token
    """Identifies the attempt."""
    job_id: str
    """Id of the job."""
    task: str
    """Name of the task."""
    number: int
    """Number of the instance, from 0."""
    owner: str
    """Owner of the job."""
    command: str
    """The command line, as a shell reads it."""
    time_limit: float
    """Seconds that the program may run. The engine ends it after that."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The variables of the job and of the service. Those of the machine are added where the program runs."""
    mappings: Mappings = field(default_factory=Mappings)
    """The objects that are staged in, and the paths that are staged out."""
    package: str = ""
    """Object URL of the package; empty for none."""
    image: str = ""
    """Image of the container; empty for none."""
    stdout: str = ""
    """Object URL of the standard output; empty to discard it."""
    stderr: str = ""
    """Object URL of the standard error; empty if only its end is needed, for the result."""
    instance_type: str = ""
    """Name of the instance type; empty if the task names none."""
    resources: Resources = field(default_factory=Resources)
    """The resources of the instance type."""
    separate: bool = False
    """Whether the program must run in a sandbox that keeps it apart from the programs of other owners."""
    keep_as: str = ""
    """Name under which the working directory is kept if the attempt fails; empty to remove it."""

    @property
    def instance(self) -> str:
        """The instance in a form for people and file names: job, task and number."""
        return f"{self.job_id}.{self.task}.{self.number}"

"""The specification of an attempt: what an engine needs to run it on any machine, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from batchcompute.runner.mappings import Mappings

__all__ = ["AttemptSpec", "Resources", "Token"]

Token: TypeAlias = str
"""Identifies one attempt of one instance; never used twice."""


class Resources(NamedTuple):
    """The resources that an attempt needs on its machine."""

    cpus: float = 1
    """Number of cores."""
    memory: int = 0
    """Memory in MiB; 0 if the instance type does not say."""
    gpus: int = 0
    """Number of GPUs."""


class AttemptSpec(NamedTuple):
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
    environment: Mapping[str, str] = MappingProxyType({})
    """The variables of the job and of the service. Those of the machine are added where the program runs."""
    mappings: Mappings = Mappings()
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
    resources: Resources = Resources()
    """The resources of the instance type."""
    separate: bool = False
    """Whether the program must run in a sandbox that keeps it apart from the programs of other owners."""
    keep_as: str = ""
    """Name under which the working directory is kept if the attempt fails; empty to remove it."""

    def __repr__(self) -> str:
        # Variables can hold secrets, and so can a command line.
        return f"AttemptSpec(token={self.token!r}, job_id={self.job_id!r}, task={self.task!r}, number={self.number!r})"

    @property
    def instance(self) -> str:
        """The instance in a form for people and file names: job, task and number."""
        return f"{self.job_id}.{self.task}.{self.number}"

"""The specification of the process of an attempt, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.rooted import RootedFile

__all__: list[str] = []

Isolation = Literal["none", "sandbox", "prefix", "container"]
"""The view that a program has of its mappings.

``none``: it has no mappings. ``sandbox``: bubblewrap mounts them at their paths. ``prefix``: they are copies below the
directory that ``$BATCH_COMPUTE_ROOT`` names. ``container``: docker or podman mounts them.
"""


class User(NamedTuple):
    """The Unix user that an attempt runs as."""

    uid: int
    """Number of the user."""
    gid: int
    """Number of the user's group."""
    groups: tuple[int, ...] = ()
    """Numbers of the user's further groups."""


class Account(NamedTuple):
    """A Unix user that runs the programs of an owner."""

    name: str
    """Name of the user."""
    home: str
    """Home directory of the user."""
    user: User
    """Numeric ids of the user."""


class SandboxSpec(NamedTuple):
    """The sandbox that an attempt runs in."""

    program: str
    """Path of bubblewrap."""
    arguments: tuple[str, ...]
    """Arguments of bubblewrap. They hold the values of variables, so they are passed in a file."""
    report: RootedFile
    """File to which bubblewrap writes how the program ended."""

    def __repr__(self) -> str:
        # The arguments hold values of variables, which can be secrets.
        return f"SandboxSpec(program={self.program!r}, report={self.report!r})"


class ProcessSpec(NamedTuple):
    """The process of one attempt, ready to be started."""

    token: Token
    """Identifies the attempt."""
    command: str
    """The command line, as a shell reads it."""
    directory: Path
    """Working directory; it exists, and holds nothing but the package."""
    environment: Mapping[str, str]
    """The whole environment."""
    stdout: RootedFile | None
    """File for the standard output; None to discard it."""
    stderr: RootedFile | None
    """File for the standard error; None to discard it."""
    wrapper: Sequence[str] = ()
    """Arguments of a container runtime that starts the command's shell; empty for none."""
    max_file_size: int = 0
    """Bytes that a file may grow to; 0 for no limit."""
    sandbox: SandboxSpec | None = None
    """The sandbox; None for none."""
    user: User | None = None
    """The user that it runs as; None for the user of the service."""

    def __repr__(self) -> str:
        # Variables can hold secrets.
        return f"ProcessSpec(token={self.token!r}, command={self.command!r}, directory={self.directory!r})"

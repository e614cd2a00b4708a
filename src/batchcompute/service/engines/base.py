"""The contract between the service and what runs its instances.

The engine only says where things are; the truth is in the database, and how a command ended is in
the file that its shim wrote. So an engine may forget everything in a crash, and `reconcile` finds
out what is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

__all__ = ["Capabilities", "Engine", "EngineState", "Handle", "InstanceStart", "Token"]

Token: TypeAlias = str
"""Names one attempt of one instance; never used twice."""

Handle: TypeAlias = str
"""Names a started attempt to its engine."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do."""

    slots: int | None
    """How many instances run at once; None where the engine decides."""
    cancel: bool = True
    """Whether a running instance can be stopped, with all that it has started."""
    adopts: bool = False
    """Whether instances that outlived the service are found again."""
    live_logs: bool = True
    """Whether output can be read while an instance runs."""


@dataclass(frozen=True, slots=True)
class InstanceStart:
    """One attempt of an instance, ready to run."""

    token: Token
    """Its name."""
    command: str
    """The command, as a shell reads it."""
    directory: Path
    """Working directory; it exists and is empty but for the package."""
    environment: Mapping[str, str] = field(repr=False)
    """The whole environment."""
    stdout: Path
    """File for its output."""
    stderr: Path
    """File for its errors."""
    exit_file: Path
    """File that the shim writes the exit code to."""
    wrapper: Sequence[str] = ()
    """What starts the shell that reads the command: a sandbox or a container runtime; mostly nothing."""
    max_file_size: int = 0
    """Bytes that a file may grow to; 0 for any."""
    boxed: bool = False
    """Whether the wrapper writes a report to descriptor 3, which goes beside the exit file."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """Where an attempt is."""

    phase: Literal["queued", "running", "gone", "lost"]
    """``gone``: it has ended, and its exit file says how. ``lost``: it cannot be told what became
    of it."""
    node: str = ""
    """Address of the machine that it runs or ran on."""
    reason: str = ""
    """Why it was lost, or why it could not start."""
    again: bool = False
    """Of one that is lost: it never started, for want of room, and may be started again later."""
    signal: int = 0
    """The signal that ended the shim itself, so that no exit file was written."""


class Engine(Protocol):
    """Runs attempts of instances."""

    name: str
    """Name of the engine."""
    capabilities: Capabilities
    """What it can do."""

    def bind(self, changed: Callable[[], None]) -> None:
        """Set what is called, from any thread, when an attempt has ended."""
        ...

    def start(self, batch: Sequence[InstanceStart]) -> Sequence[Handle]:
        """Start attempts; a token that was started before is not started again."""
        ...

    def poll(self, handles: Iterable[Handle]) -> Mapping[Handle, EngineState]:
        """Tell where attempts are."""
        ...

    def cancel(self, handles: Iterable[Handle]) -> None:
        """End attempts, with every process that they have started."""
        ...

    def forget(self, handles: Iterable[Handle]) -> None:
        """Drop what is known of attempts whose end is recorded."""
        ...

    def reconcile(self, tokens: Iterable[Token], family: str) -> Mapping[Token, Handle | None]:
        """Find attempts that were started by an earlier service; None for those that are gone.

        Args:
            tokens: The attempts that should be running.
            family: What the tokens of all attempts of this service begin with. Every process of the
                family that belongs to no attempt that was found is ended.
        """
        ...

    def close(self, leave: bool = False) -> None:
        """End every attempt, and all threads.

        Args:
            leave: Whether attempts that run are left alone, to be adopted by a later service.
        """
        ...

"""The contract between the service and an engine that runs attempts of instances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.spec import ProcessSpec

__all__ = ["Capabilities", "Engine", "EngineState", "Handle"]

Handle: TypeAlias = str
"""Identifies a started attempt to its engine."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of an engine."""

    slots: int | None
    """Largest number of attempts that run at the same time; None if the engine decides."""
    cancel: bool = True
    """Whether a running attempt can be ended, with all processes that it has started."""
    adopts: bool = False
    """Whether the engine can find running attempts of an earlier service."""
    live_logs: bool = True
    """Whether output can be read while an attempt runs."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """The state of an attempt."""

    phase: Literal["queued", "running", "ending", "exited", "lost"]
    """``ending``: the command has exited, and remaining processes of the attempt are being killed. ``exited``: all have exited.
    ``lost``: the attempt did not start, or its state is unknown."""
    node: str = ""
    """Address of the machine that runs or ran the attempt."""
    reason: str = ""
    """The reason why the attempt is lost."""
    blocked: bool = False
    """Whether a lost attempt did not start because a file for its output could not be created."""
    retryable: bool = False
    """Whether a lost attempt did not start because the machine was short of resources, and may be started later."""
    exit_code: int | None = None
    """Exit code of the shim of an exited attempt; None if only the exit file has it."""
    signal: int = 0
    """Number of the signal that ended the shim itself, so that there is no exit code; 0 for none."""


class Engine(Protocol):
    """Runs attempts of instances.

    An engine keeps no durable state. Attempts are recorded in the database, and the shim writes the exit code of a
    command to a file. After a crash, `reconcile` finds the attempts that still run.
    """

    name: str
    """Name of the engine."""
    capabilities: Capabilities
    """The capabilities of the engine."""

    def bind(self, changed: Callable[[], None]) -> None:
        """Set the function that is called, from any thread, when an attempt has ended."""
        ...

    def start(self, batch: Sequence[ProcessSpec]) -> Sequence[Handle]:
        """Start attempts. A token that was started before is not started again."""
        ...

    def poll(self, handles: Iterable[Handle]) -> Mapping[Handle, EngineState]:
        """Return the states of attempts.

        If a state cannot be determined at this moment, the last known one is returned.
        """
        ...

    def cancel(self, handles: Iterable[Handle]) -> None:
        """End attempts, with all processes that they have started."""
        ...

    def forget(self, handles: Iterable[Handle]) -> None:
        """Forget attempts whose outcomes are recorded."""
        ...

    def reconcile(self, tokens: Iterable[Token], token_prefix: str) -> Mapping[Token, Handle | None]:
        """Find the attempts of an earlier service that still run, and kill the processes of all others.

        Args:
            tokens: The attempts that should be running.
            token_prefix: Prefix of the tokens of all attempts of this service.

        Returns:
            The handle of each attempt; None for an attempt that does not run.

        Raises:
            OSError: The processes of the machine cannot be listed at this moment.
        """
        ...

    def close(self, leave: bool = False) -> None:
        """End all attempts and threads.

        Args:
            leave: Whether running attempts are left to a later service.
        """
        ...

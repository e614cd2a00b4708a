"""The contract between the service and what runs its instances.

The engine only says where things are; the truth is in the database, and how a command ended is also in
the file that its shim wrote. So an engine may forget everything in a crash, and `reconcile` finds
out what is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from batchcompute.runner.spec import ProcessSpec, Token

__all__ = ["Capabilities", "Engine", "EngineState", "Handle"]

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
class EngineState:
    """Where an attempt is."""

    phase: Literal["queued", "running", "ending", "exited", "lost"]
    """``ending``: its command has ended, and what it left running is being ended. ``exited``: it has ended.
    ``lost``: it did not start, or it cannot be told what became of it."""
    node: str = ""
    """Address of the machine that it runs or ran on."""
    reason: str = ""
    """Why it was lost, or why it could not start."""
    blocked: bool = False
    """Of one that is lost: a file for its output could not be made."""
    retryable: bool = False
    """Of one that is lost: it never started, for want of room, and may be started again later."""
    exit_code: int | None = None
    """Of one that has exited: exit code of its shim; None where only the exit file can say."""
    signal: int = 0
    """The signal that ended the shim itself, so that no exit code is known."""


class Engine(Protocol):
    """Runs attempts of instances."""

    name: str
    """Name of the engine."""
    capabilities: Capabilities
    """What it can do."""

    def bind(self, changed: Callable[[], None]) -> None:
        """Set what is called, from any thread, when an attempt has ended."""
        ...

    def start(self, batch: Sequence[ProcessSpec]) -> Sequence[Handle]:
        """Start attempts; a token that was started before is not started again."""
        ...

    def poll(self, handles: Iterable[Handle]) -> Mapping[Handle, EngineState]:
        """Return where attempts are.

        What cannot be told at this moment is as it was at the last look, and is looked at again the next time.
        """
        ...

    def cancel(self, handles: Iterable[Handle]) -> None:
        """End attempts, with every process that they have started."""
        ...

    def forget(self, handles: Iterable[Handle]) -> None:
        """Drop what is known of attempts whose end is recorded."""
        ...

    def reconcile(self, tokens: Iterable[Token], token_prefix: str) -> Mapping[Token, Handle | None]:
        """Find attempts that were started by an earlier service; None for those that are gone.

        Args:
            tokens: The attempts that should be running.
            token_prefix: What the tokens of all attempts of this service begin with. Every process with such a
                token that belongs to no attempt that was found is ended.

        Raises:
            OSError: The machine cannot tell at this moment.
        """
        ...

    def close(self, leave: bool = False) -> None:
        """End every attempt, and all threads.

        Args:
            leave: Whether attempts that run are left alone, to be adopted by a later service.
        """
        ...

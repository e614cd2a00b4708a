"""The contract between the service and an engine, which runs attempts of instances on one machine or on many."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from batchcompute.runner.attempt_spec import AttemptSpec, Resources, Token
from batchcompute.runner.outcome import Exited

__all__ = [
    "Attachment",
    "AttemptSpec",
    "AttemptStatus",
    "Capabilities",
    "Engine",
    "Exited",
    "Handle",
    "Lost",
    "Pending",
    "Rejected",
    "Resources",
    "Running",
    "Submission",
    "Submitted",
    "Token",
    "Unknown",
]

Handle: TypeAlias = str
"""The engine's own name of a submitted attempt. The service stores it, and never looks into it."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of an engine."""

    slots: int | None = None
    """Largest number of attempts that the service submits at the same time; None for the ``slots`` of the service."""
    workspace: Literal["local", "shared", "staged"] = "local"
    """The files that the engine needs. ``local``: those of this machine. ``shared``: a directory that all nodes see.
    ``staged``: nodes have no common directory, and reach the object API of the service over HTTP."""
    survives: bool = False
    """Whether attempts run on while no service runs, and `Engine.attach` finds them."""
    node: str = ""
    """Address of the machine of attempts that start at once."""
    live_logs: bool = True
    """Whether output can be read while an attempt runs."""
    types: frozenset[str] | None = None
    """Names of the instance types that have options of their own. None: the engine treats all types alike."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The engine has accepted an attempt."""

    handle: Handle
    """The engine's name of the attempt."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The engine refuses an attempt, which therefore does not run."""

    reason: str
    """The reason in a sentence without a full stop."""
    retryable: bool = False
    """Whether the engine was short of resources, so that the service submits another attempt later."""
    error_code: str = "StartFailed"
    """``ErrorCode`` of the instance if it is not retried."""


Submission: TypeAlias = Submitted | Rejected
"""The answer of an engine for one attempt of a batch."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The attempt waits in the engine. The instance is ``Waiting``, and its time limit does not count yet."""

    reason: str = ""
    """The reason why it waits, in the words of the engine."""


@dataclass(frozen=True, slots=True)
class Running:
    """The attempt runs. Its start time, its node and its time limit count from here."""

    node: str
    """Address of the machine."""
    since: float | None = None
    """Time of the start, in seconds since 1970; None for now."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The attempt is gone and has no result. The service retries the instance, apart from failures."""

    reason: str
    """The reason in a sentence without a full stop: a lost node, a preemption, a vanished job."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The question failed, so nothing is known, and nothing changes. The service asks again."""

    reason: str = ""
    """The reason in a sentence without a full stop."""


AttemptStatus: TypeAlias = Pending | Running | Exited | Lost | Rejected | Unknown
"""The status of an attempt. `Exited`, `Lost` and `Rejected` are final."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attempt of an earlier service, whose end is not recorded."""

    spec: AttemptSpec
    """The attempt."""
    handle: Handle
    """Its stored handle; empty if the service ended before it could store one."""
    started: float | None = None
    """Time of its recorded start, in seconds since 1970; None if no start is recorded."""


class Engine(Protocol):
    """Runs attempts of instances.

    The service is the truth: it stores jobs, states and handles, counts retries, and decides which instances start. An
    engine places processes, enforces their time limits, and reports what happens to them. It stores nothing that is not
    needed to find its attempts again.

    All methods are called from one thread, except for `cancel` and `close`. No method waits for a program.
    """

    name: str
    """Name of the engine, as the setting ``engine`` has it."""
    capabilities: Capabilities
    """The capabilities of the engine."""

    def bind(self, changed: Callable[[], None]) -> None:
        """Set a function that may be called, from any thread, when the status of an attempt has changed."""
        ...

    def starts_at_once(self, spec: AttemptSpec) -> bool:
        """Return whether an attempt runs as soon as it is submitted.

        The service then records it as running in the transaction of its submission, which saves another one.
        """
        ...

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        """Submit attempts of one task. An attempt whose token was submitted before is not submitted again.

        Returns:
            One answer for each attempt, in their order.

        Raises:
            Exception: The engine does not answer. The service submits the same attempts again later.
        """
        ...

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        """Return the statuses of attempts. A handle without a status counts as `Unknown`."""
        ...

    def cancel(self, handles: Collection[Handle]) -> None:
        """End attempts, with all processes that they have started. Their outputs are not needed.

        The service repeats the call until the attempts have ended.
        """
        ...

    def forget(self, handles: Collection[Handle]) -> None:
        """Release everything that belongs to attempts whose ends are recorded."""
        ...

    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        """Find the attempts of an earlier service again, and end all others of that service.

        Called once, before any other method but `bind`.

        Args:
            attempts: All attempts whose ends are not recorded.

        Returns:
            The handle of each attempt, by token. None for an attempt that does not run and has no result.

        Raises:
            OSError: The engine cannot tell at this moment, so the service cannot start.
        """
        ...

    def next_poll(self) -> float | None:
        """Return after how many seconds `status` should be called again; None if the engine calls `changed` itself."""
        ...

    def close(self, leave_running: bool = False) -> None:
        """End all attempts and threads; statuses can still be read.

        Args:
            leave_running: Whether attempts run on, so that a later service finds them.
        """
        ...

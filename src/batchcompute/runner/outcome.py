"""The outcome of an attempt: its exit code, and its error in the words of the API."""

from __future__ import annotations

import signal
from typing import NamedTuple

from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.rooted import RootedFile

__all__ = ["Exited", "Outcome"]

INCOMPLETE = "OutputIncomplete"
"""``ErrorCode`` of an instance that has finished, but some of whose outputs cannot be objects."""

_TAIL = 4096
"""Bytes of the standard error that become a part of the result."""


class Outcome(NamedTuple):
    """The outcome of an attempt."""

    exit_code: int
    """Exit code of the command."""
    error_code: str = ""
    """``ErrorCode`` of the result; empty after success (REST API, 4.3)."""
    error_message: str = ""
    """``ErrorMessage`` of the result."""
    detail: str = ""
    """``Detail`` of the result: the end of the standard error."""

    @property
    def failed(self) -> bool:
        """Whether the instance has failed. An instance with incomplete outputs has not."""
        return self.error_code not in ("", INCOMPLETE)


class Exited(NamedTuple):
    """The end of an attempt, as the machine that ran it reports it.

    An engine that knows an exit code only reports ``Exited(code)``; the other fields are for what the runner knows.
    """

    code: int | None = None
    """Exit code of the command; None if a signal ended it, or if the code is unknown."""
    signal: int = 0
    """Number of the signal that ended the command; 0 for none."""
    timed_out: bool = False
    """Whether the engine ended the attempt because of its time limit."""
    error_code: str = ""
    """``ErrorCode`` of an attempt whose files could not be staged; empty to derive it from the exit code."""
    message: str = ""
    """``ErrorMessage`` that belongs to `error_code`."""
    detail: str = ""
    """The end of the standard error."""
    node: str = ""
    """Address of the machine that ran the attempt; empty if unknown."""
    started: float | None = None
    """Time of the start, in seconds since 1970; None if unknown."""
    ended: float | None = None
    """Time of the end, in seconds since 1970; None if unknown."""

    @property
    def outcome(self) -> Outcome:
        """The outcome in the words of the API."""
        if self.error_code:
            return Outcome(
                self.code if self.code is not None else 1, self.error_code, self.message, self.detail
            )
        if self.timed_out:
            return TIMEOUT._replace(detail=self.detail)
        if self.code == 0 and not self.signal:
            return Outcome(0, detail=self.detail)
        return outcome_of(self.code, self.signal, self.detail)


TIMEOUT = Outcome(137, "Timeout", "The program ran longer than its Timeout allows.")
"""The outcome of an attempt that exceeded its time limit."""

STOPPED = Outcome(137, "Stopped", "The instance was stopped.")
"""The outcome of a stopped attempt."""


def tail(file: RootedFile | None) -> str:
    """Return the end of a text file; an empty text if the file does not exist.

    Raises:
        OSError: The machine is short of resources at this moment.
    """
    if file is None:
        return ""
    try:
        return file.read(_TAIL, tail=True).decode("utf-8", "replace")
    except OSError as error:
        if is_transient(error):
            raise
        return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Real-time signals have no names.
        return f"signal {number}"


def outcome_of(code: int | None, killed_by: int, detail: str = "") -> Outcome:
    """Return the outcome of an attempt.

    Args:
        code: Exit code of the command; None if it is unknown.
        killed_by: Number of the signal that ended the shim itself; 0 for none.
        detail: The end of the standard error.
    """
    if code == 0:
        return Outcome(0)
    if code is None:
        message = f"The program was ended by {_signal_name(killed_by)}."
        if not killed_by:
            message = (
                "The exit code of the program could not be recorded: it was killed, or the disk is full."
            )
        return Outcome(128 + (killed_by or 9), "ProgramKilled", message, detail)
    if 128 < code < 128 + signal.NSIG:
        message = f"The program ended with exit code {code} ({_signal_name(code - 128)})."
        if code - 128 == signal.SIGXFSZ:
            message += " A file grew beyond what this service allows."
        return Outcome(code, "ProgramFailed", message, detail)
    if code == 127:
        return Outcome(code, "CommandNotFound", "The command was not found (exit code 127).", detail)
    return Outcome(code, "ProgramFailed", f"The program ended with exit code {code}.", detail)

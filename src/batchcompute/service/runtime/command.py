"""The shim beside each command, and the file in which it tells how the command ended."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

__all__: list[str] = []

# The exit file is one small write that ends in a newline, so a whole line is a whole result; it is
# written even if the service is dead by then (local-service 2.5).
# `shift` hides the command from itself, which would else find its own text in $1.
_SHIM = '(eval "shift\n$1"); echo $? >"$BC_EXIT"'
_TAIL = 4096


def shim(command: str) -> list[str]:
    """Return the arguments of the process that runs a command and records its exit code.

    The command is an argument and no part of the script's text, so nothing in it can end the script
    early, and it does not stand in the environment, where its children would find it.
    """
    return ["/bin/sh", "-c", _SHIM, "batchcompute", command]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended."""

    exit_code: int
    """Exit code of the command."""
    error_code: str = ""
    """Empty after success (reference, 4.3)."""
    error_message: str = ""
    """The same in words."""
    detail: str = ""
    """The end of its stderr."""


def tail(path: Path) -> str:
    """Return the end of a text file; nothing where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def read_exit(exit_file: Path) -> int | None:
    """Return the recorded exit code; None where there is no whole record."""
    try:
        text = exit_file.read_text("ascii", errors="replace")
    except OSError:
        return None
    if not text.endswith("\n") or not text.strip().isdigit():
        return None
    return int(text)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Real-time signals have no names of their own.
        return f"signal {number}"


def outcome(exit_file: Path, stderr: Path, killed_by: int) -> Outcome:
    """Tell how an attempt ended, from what its shim wrote.

    Args:
        exit_file: The shim's file.
        stderr: Where the errors of the command went.
        killed_by: The signal that ended the shim itself; 0 for none.
    """
    code = read_exit(exit_file)
    if code == 0:
        return Outcome(0)
    detail = tail(stderr)
    if code is None:
        name = _name(killed_by) if killed_by else "an unknown cause"
        return Outcome(128 + (killed_by or 9), "ProgramKilled", f"The program was ended by {name}.", detail)
    if 128 < code < 128 + signal.NSIG:
        message = f"The program ended with exit code {code} ({_name(code - 128)})."
        return Outcome(code, "ProgramFailed", message, detail)
    if code == 127:
        return Outcome(code, "CommandNotFound", "The command was not found (exit code 127).", detail)
    return Outcome(code, "ProgramFailed", f"The program ended with exit code {code}.", detail)

"""The shim beside each command, and the file in which it tells how the command ended."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__: list[str] = []

# The exit file is one small write that ends in a newline, so a whole line is a whole result; it is
# written even if the service is dead by then (local-service 2.5).
# `shift` hides the command from itself, which would else find its own text in $1.
_TEXT = '(eval "shift\n$1"); echo $? >"$BC_EXIT"'
# Plain words need no second shell, which halves what a short program costs (local-service 4.2).
_WORDS = '"$@"; echo $? >"$BC_EXIT"'
_BOXED = '"$@" 3>"$BC_EXIT.box"; echo $? >"$BC_EXIT"'
_LIMIT = "ulimit -f "
_NAME = "batchcompute"
_TAIL = 4096

_PLAIN = re.compile(r"[A-Za-z0-9_./@%+,-][A-Za-z0-9_./:=@%+,-]*(?: +[A-Za-z0-9_./:=@%+,-]+)*")
# Words that mean something to the shell itself, and would act on the shim.
_SHELL_WORDS = frozenset(
    [
        ".",
        ":",
        "alias",
        "bg",
        "break",
        "case",
        "cd",
        "command",
        "continue",
        "do",
        "done",
        "elif",
        "else",
        "esac",
        "eval",
        "exec",
        "exit",
        "export",
        "fc",
        "fg",
        "fi",
        "for",
        "getopts",
        "hash",
        "if",
        "in",
        "jobs",
        "kill",
        "local",
        "read",
        "readonly",
        "return",
        "set",
        "shift",
        "then",
        "times",
        "trap",
        "type",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "until",
        "wait",
        "while",
    ]
)


def shim(command: str, wrapper: Sequence[str] = (), boxed: bool = False, max_file_size: int = 0) -> list[str]:
    """Return the arguments of the process that runs a command and records its exit code.

    The command is an argument and no part of the script's text, so nothing in it can end the script
    early, and it does not stand in the environment, where its children would find it.

    Args:
        command: The command, as a shell reads it.
        wrapper: What the shell that reads it is started by; nothing, mostly.
        boxed: Whether that writes a report of its own to descriptor 3.
        max_file_size: Bytes that a file may grow to; 0 for any.
    """
    limit = f"{_LIMIT}{max(1, max_file_size // 512)}; " if max_file_size else ""
    if wrapper:
        shell = [] if wrapper[-1] == "-c" else ["/bin/sh", "-c"]
        return ["/bin/sh", "-c", limit + (_BOXED if boxed else _WORDS), _NAME, *wrapper, *shell, command]
    if _PLAIN.fullmatch(command):
        words = command.split()
        if "=" not in words[0] and words[0] not in _SHELL_WORDS:
            return ["/bin/sh", "-c", limit + _WORDS, _NAME, *words]
    return ["/bin/sh", "-c", limit + _TEXT, _NAME, command]


def is_shim(arguments: Sequence[str]) -> bool:
    """Tell the arguments of a shim from those of the program that it runs."""
    if list(arguments[:2]) != ["/bin/sh", "-c"] or list(arguments[3:4]) != [_NAME]:
        return False
    script = arguments[2]
    if script.startswith(_LIMIT):
        script = script.partition("; ")[2]
    return script in (_TEXT, _WORDS, _BOXED)


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
        descriptor = os.open(exit_file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(descriptor, 64)
    finally:
        os.close(descriptor)
    if not text.endswith(b"\n") or not text.strip().isdigit():
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
        message = f"The program was ended by {_name(killed_by)}."
        if not killed_by:
            message = (
                "The program has ended, and how could not be recorded: it was killed, or the disk is full."
            )
        return Outcome(128 + (killed_by or 9), "ProgramKilled", message, detail)
    if 128 < code < 128 + signal.NSIG:
        message = f"The program ended with exit code {code} ({_name(code - 128)})."
        if code - 128 == signal.SIGXFSZ:
            message += " A file grew beyond what this service allows."
        return Outcome(code, "ProgramFailed", message, detail)
    if code == 127:
        return Outcome(code, "CommandNotFound", "The command was not found (exit code 127).", detail)
    return Outcome(code, "ProgramFailed", f"The program ended with exit code {code}.", detail)

"""The shim beside each command, and the file in which it tells how the command ended.

The shim is the parent of every program, so what a program does to its parent it does to itself. Its own exit code
is that of the command. It also writes that code to the exit file, for a service that was started since.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.rooted import NotRegular, RootedFile
from batchcompute.runner.shell_words import SHELL_WORDS

__all__: list[str] = []

NOT_RUN = 123
"""Exit code of a shim that could not run its command, for want of room for a process; nothing is recorded then."""

INCOMPLETE = "OutputIncomplete"
"""``ErrorCode`` of an instance that has finished, and of whose outputs something cannot be an object."""

# Descriptor 0 is the exit file, which no program gets to see. The record is one small write that ends in a newline,
# so a whole line is a whole result; it is written even if the service is dead by then.
_RUN = f"""trap 'exit {NOT_RUN}' 0; "$@" </dev/null; c=$?; trap - 0; echo "$c" >&0; exit "$c\""""
_LIMIT = "ulimit -f "
_LONGEST_LINE = 64 * 1024
"""Bytes of a command that is an argument of its shell; the kernel takes no argument of more than 128 KiB."""
_NAME = "batchcompute"
_TAIL = 4096
_RECORD = re.compile(rb"([0-9]{1,3})\n")

_PLAIN = re.compile(r"[A-Za-z0-9_./@%+,-][A-Za-z0-9_./:=@%+,-]*(?: +[A-Za-z0-9_./:=@%+,-]+)*")


def shim(command: str, wrapper: Sequence[str] = (), max_file_size: int = 0) -> list[str]:
    """Return the arguments of the process that runs a command and records its exit code.

    The command is an argument and no part of the script's text, so nothing in it can end the script
    early, and it does not stand in the environment, where its children would find it. Plain words need no second
    shell; without it, a short program costs half as much.

    Args:
        command: The command, as a shell reads it.
        wrapper: What the shell that reads it is started by; nothing, mostly.
        max_file_size: Bytes that a file may grow to; 0 for any.
    """
    limit = f"{_LIMIT}{max(1, max_file_size // 512)}; " if max_file_size else ""
    return ["/bin/sh", "-c", limit + _RUN, _NAME, *_words(command, wrapper)]


def is_long(command: str) -> bool:
    """Return whether a command cannot be an argument: its shell has to read it from a file."""
    return len(command.encode("utf-8", "replace")) > _LONGEST_LINE


def _words(command: str, wrapper: Sequence[str]) -> list[str]:
    # The shell would take it for an option of its own.
    line = ["--", command] if command[:1] in ("-", "+") else [command]
    if wrapper:
        return [*wrapper, *line] if wrapper[-1] == "-c" else [*wrapper, "/bin/sh", "-c", *line]
    if _PLAIN.fullmatch(command):
        words = command.split()
        if "=" not in words[0] and words[0] not in SHELL_WORDS:
            return words
    return ["/bin/sh", "-c", *line]


def is_shim(arguments: Sequence[str]) -> bool:
    """Return whether these are the arguments of a shim, and not those of the program that it runs."""
    return list(arguments[:2]) == ["/bin/sh", "-c"] and list(arguments[3:4]) == [_NAME]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended."""

    exit_code: int
    """Exit code of the command."""
    error_code: str = ""
    """Empty after success (REST API, 4.3)."""
    error_message: str = ""
    """The same in words."""
    detail: str = ""
    """The end of its stderr."""

    @property
    def failed(self) -> bool:
        """Whether the instance has failed, and not only lost something."""
        return self.error_code not in ("", INCOMPLETE)


def tail(file: RootedFile | None) -> str:
    """Return the end of a text file; nothing where there is no such file.

    Raises:
        OSError: It cannot be read at this moment.
    """
    if file is None:
        return ""
    try:
        return file.read(_TAIL, tail=True).decode("utf-8", "replace")
    except OSError as error:
        if is_transient(error):
            raise
        return ""


def read_exit(exit_file: RootedFile) -> int | None:
    """Return the recorded exit code; None where there is no whole record.

    Raises:
        OSError: It cannot be read at this moment, so nobody knows yet whether there is one.
    """
    try:
        found = _RECORD.fullmatch(exit_file.read(16))
    except (FileNotFoundError, NotADirectoryError, NotRegular, PermissionError):
        # A program can have put something else there, or locked it. It is no record then.
        return None
    return int(found[1]) if found and int(found[1]) < 256 else None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Real-time signals have no names of their own.
        return f"signal {number}"


def outcome(code: int | None, killed_by: int, detail: str = "") -> Outcome:
    """Return how an attempt ended.

    Args:
        code: Exit code of its command; None where nobody knows it.
        killed_by: The signal that ended the shim itself; 0 for none.
        detail: The end of its stderr.
    """
    if code == 0:
        return Outcome(0)
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

"""The shim, the process that runs a command and records its exit code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batchcompute.runner.shell_words import SHELL_WORDS

__all__: list[str] = []

# The shim is the parent process of every command, so a program that harms its parent process harms only itself. The
# shim exits with the exit code of the command. It also appends the code to a record file, so a service that starts later
# can read the code.

NOT_RUN = 123
"""Exit code of a shim that could not create the process of its command. The shim then records nothing."""

# Descriptor 0 is the record file of the runner, opened for appending; programs do not inherit it. The record is one small
# write in the format of `runner.records`. It is written even if the runner has ended.
_RECORD = r"""printf '\n{"event":"ended","token":"%s","code":%d,"signal":0}\n' "$BC_INSTANCE" "$c" >&0"""
_RUN = f"""trap 'exit {NOT_RUN}' 0; {{}} </dev/null; c=$?; trap - 0; {_RECORD}; exit "$c\""""
_COMMAND = '"$@"'
_LIMITED = '(ulimit -f {}; exec "$@")'
"""The command with a limit. The limit is not one of the shim, which appends to a record file of any size."""

_LONGEST_LINE = 64 * 1024
"""Bytes of a command that is passed as an argument; the limit of the kernel for one argument is 128 KiB."""
_NAME = "batchcompute"

_PLAIN = re.compile(r"[A-Za-z0-9_./@%+,-][A-Za-z0-9_./:=@%+,-]*(?: +[A-Za-z0-9_./:=@%+,-]+)*")


def shim_arguments(command: str, wrapper: Sequence[str] = (), max_file_size: int = 0) -> list[str]:
    """Return the arguments of the process that runs a command and records its exit code.

    The command is an argument, and not a part of the script, so its text cannot end the script early. It is not in the
    environment either, because children of the command inherit that. A command of plain words is started without a second
    shell, which halves the cost of a short program.

    Args:
        command: The command line, as a shell reads it.
        wrapper: Arguments of a sandbox or a container runtime that starts the command's shell; empty for none.
        max_file_size: Bytes that a file may grow to; 0 for no limit.
    """
    run = _LIMITED.format(max(1, max_file_size // 512)) if max_file_size else _COMMAND
    return ["/bin/sh", "-c", _RUN.replace("{}", run), _NAME, *_words(command, wrapper)]


def is_long(command: str) -> bool:
    """Return whether a command is too long for an argument, so that its shell has to read it from a file."""
    return len(command.encode("utf-8", "replace")) > _LONGEST_LINE


def _words(command: str, wrapper: Sequence[str]) -> list[str]:
    # A shell would read the command as an option.
    line = ["--", command] if command[:1] in ("-", "+") else [command]
    if wrapper:
        return [*wrapper, *line] if wrapper[-1] == "-c" else [*wrapper, "/bin/sh", "-c", *line]
    if _PLAIN.fullmatch(command):
        words = command.split()
        if "=" not in words[0] and words[0] not in SHELL_WORDS:
            return words
    return ["/bin/sh", "-c", *line]


def is_shim(arguments: Sequence[str]) -> bool:
    """Return whether a process with these arguments is a shim."""
    return list(arguments[:2]) == ["/bin/sh", "-c"] and list(arguments[3:4]) == [_NAME]

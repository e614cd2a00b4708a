"""The first words of commands for which a shell does not start a program."""

from __future__ import annotations

from typing import Final

__all__: list[str] = []

SHELL_WORDS: Final = frozenset([
    ".", ":", "alias", "autoload", "bg", "bind", "break", "builtin", "caller", "case", "cd", "command",
    "compgen", "complete", "compopt", "continue", "coproc", "declare", "dirs", "disown", "do", "done", "elif",
    "else", "emulate", "enable", "esac", "eval", "exec", "exit", "export", "fc", "fg", "fi", "for",
    "function", "getopts", "hash", "help", "history", "if", "in", "jobs", "kill", "let", "local", "logout",
    "mapfile", "popd", "print", "pushd", "read", "readarray", "readonly", "return", "select", "set", "shift",
    "shopt", "source", "suspend", "then", "time", "times", "trap", "type", "typeset", "ulimit", "umask",
    "unalias", "unset", "until", "wait", "whence", "while",
])  # fmt: skip
"""Words that only a shell handles, or handles in another way than the program of this name (``kill``, ``time``)."""

BUILT_IN: Final = SHELL_WORDS | {"echo", "printf", "test", "true", "false", "pwd"}
"""All words that a shell handles without starting a program."""

"""Words at the beginning of a command for which a shell starts no program."""

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
"""Words that mean something to some shell itself: no program can take its place."""

BUILT_IN: Final = SHELL_WORDS | {"echo", "printf", "test", "true", "false", "pwd"}
"""The same, and what most shells do themselves although there are programs of these names."""

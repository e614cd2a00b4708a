"""``${name}`` in the command of an app: its parameters' values as data, never as text of the shell.

Each ``${name}`` of a declared parameter becomes an expansion of an environment variable that holds
the value, quoted for the place where it stands. In a script that is handed to another shell
(``sh -c '… ${name} …'``) it is that shell which expands it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__: list[str] = []

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"})
_SCRIPT_OPTION = re.compile(r"-[A-Za-z]*c")
_BREAKS = frozenset(";|&\n()`")


def variables(names: Iterable[str]) -> dict[str, str]:
    """Return the environment variable of each parameter; the names of parameters need not be such names."""
    return {name: f"BATCH_COMPUTE_PARAMETER_{number}" for number, name in enumerate(names)}


def substitute(command: str, names: Mapping[str, str]) -> str:
    """Return a command in which parameters are expanded as data.

    Args:
        command: The command line of an app.
        names: From the name of a parameter to its environment variable.
    """
    return _Rewriter(command, names).rewrite()


class _Rewriter:
    """One pass over a command, with a stack of what it stands in."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._text = text
        self._names = names
        self._out: list[str] = []
        self._at = 0
        # Each level is unquoted or in double quotes; a command substitution opens another one.
        self._levels: list[bool] = [False]
        self._words: list[str] = []
        self._word = ""

    def rewrite(self) -> str:
        while self._at < len(self._text):
            self._step()
        return "".join(self._out)

    @property
    def _quoted(self) -> bool:
        return self._levels[-1]

    @property
    def _is_script(self) -> bool:
        """Whether the word here is a script for another shell, or for this one's ``eval``."""
        if "eval" in self._words:
            return True
        shells = [index for index, word in enumerate(self._words) if word.rpartition("/")[2] in _SHELLS]
        return bool(shells) and any(_SCRIPT_OPTION.fullmatch(word) for word in self._words[shells[0] + 1 :])

    def _step(self) -> None:
        text, at = self._text, self._at
        char = text[at]
        if char == "\\" and at + 1 < len(text):
            self._take(2)
        elif char == "'" and not self._quoted:
            end = text.find("'", at + 1)
            end = len(text) if end < 0 else end
            self._single(text[at + 1 : end])
            self._at = end + 1
        elif char == '"':
            if not self._quoted and self._is_script:
                self._script()
                return
            self._levels[-1] = not self._quoted
            self._take(1)
        elif text.startswith("$(", at) and not text.startswith("$((", at):
            self._levels.append(False)
            self._words, self._word = [], ""
            self._take(2)
        elif char == ")" and not self._quoted and len(self._levels) > 1:
            self._levels.pop()
            self._words, self._word = [], ""
            self._take(1)
        elif name := self._parameter(at):
            self._emit(f"${{{self._names[name]}}}" if self._quoted else f'"${{{self._names[name]}}}"')
            self._word += "?"
            self._at += len(name) + 3
        else:
            self._plain(char)

    def _plain(self, char: str) -> None:
        if not self._quoted and (char.isspace() or char in _BREAKS):
            if self._word:
                self._words.append(self._word)
            self._word = ""
            if char in _BREAKS:
                self._words = []
        else:
            self._word += char
        self._emit(char)
        self._at += 1

    def _parameter(self, at: int, text: str = "") -> str:
        found = re.compile(r"\$\{([^{}\s]+)\}").match(text or self._text, at)
        return found[1] if found and found[1] in self._names else ""

    def _take(self, count: int) -> None:
        piece = self._text[self._at : self._at + count]
        self._word += piece
        self._emit(piece)
        self._at += count

    def _emit(self, piece: str) -> None:
        self._out.append(piece)

    def _single(self, content: str) -> None:
        """Rewrite what stands in single quotes."""
        self._word += content or "''"
        if self._is_script:
            # The other shell expands it; what is put in holds no single quote of its own.
            inner = _Rewriter(content, self._names)
            self._emit(f"'{inner.rewrite()}'")
            return
        for name, variable in self._names.items():
            content = content.replace(f"${{{name}}}", f"'\"${{{variable}}}\"'")
        self._emit(f"'{content}'")

    def _script(self) -> None:
        """Rewrite a script in double quotes: this shell leaves the parameters to the other one."""
        text = self._text
        at = self._at + 1
        out = ['"']
        double = single = False
        while at < len(text) and text[at] != '"':
            if text[at] == "\\" and at + 1 < len(text):
                if text[at + 1] == '"' and not single:
                    double = not double
                out.append(text[at : at + 2])
                at += 2
                continue
            if text[at] == "'" and not double:
                single = not single
            name = self._parameter(at, text)
            if not name:
                out.append(text[at])
                at += 1
                continue
            expansion = f"\\${{{self._names[name]}}}"
            if single:
                expansion = f"'\\\"{expansion}\\\"'"
            elif not double:
                expansion = f'\\"{expansion}\\"'
            out.append(expansion)
            at += len(name) + 3
        out.append('"')
        self._emit("".join(out))
        self._word += "script"
        self._at = at + 1

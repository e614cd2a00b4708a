"""``${name}`` in the command of an app: its parameters' values as data, never as text of a shell.

Each ``${name}`` of a declared parameter becomes an expansion of an environment variable that holds the
value, quoted for the place where it stands. In a script that is handed to another shell
(``sh -c '… ${name} …'``) it is that shell which expands it. What cannot be told apart is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__: list[str] = []

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox", "su"})
_REMOTE = frozenset({"eval", "ssh", "rsh"})
"""Commands that put all their arguments together into a script."""
_OPTION = re.compile(r"-[A-Za-z]*c[A-Za-z]*")
_BREAKS = frozenset(";|&\n()")
_PARAMETER = re.compile(r"\$\{([^{}\s]+)\}")
_HERE = re.compile(r"<<-?[ \t]*(?:'([^'\n]*)'|\"([^\"\n]*)\"|(\\?[A-Za-z0-9_.-]+))")
_NESTED = re.compile(r"(?:^|[\s;&|(`'\"/])(?:sh|bash|dash|zsh|ksh|ash|su|eval|ssh|trap)(?:$|[\s'\"])")
_LATE = re.compile(r"(?:^|[\s;&|(`])(?:eval|trap|\.|source)(?:$|\s)|\s-[A-Za-z]*c[A-Za-z]*\s+[\"']?\$")


class Ambiguous(ValueError):
    """A parameter stands where its value would become the text of a script."""


def variables(names: Iterable[str]) -> dict[str, str]:
    """Return the environment variable of each parameter; the names of parameters need not be such names."""
    return {name: f"BATCH_COMPUTE_PARAMETER_{number}" for number, name in enumerate(names)}


def substitute(command: str, names: Mapping[str, str]) -> str:
    """Return a command in which parameters are expanded as data.

    Args:
        command: The command line of an app.
        names: From the name of a parameter to its environment variable.

    Raises:
        Ambiguous: A value would become the text of a script.
    """
    if not any(f"${{{name}}}" in command for name in names):
        return command
    return _Rewriter(command, names).rewrite()


class _Rewriter:
    """One pass over a command, with a stack of what it stands in."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._text = text
        self._names = names
        self._out: list[str] = []
        self._at = 0
        # What each level ends with, and whether it stands in double quotes. A command substitution, in
        # parentheses or backticks, is a level of its own.
        self._levels: list[tuple[str, bool]] = [("", False)]
        self._words: list[str] = []
        self._outer: list[list[str]] = []
        self._word = ""
        self._here: list[tuple[str, bool, bool]] = []
        # A text that is put together now and run later is a script, too.
        self._runs_texts = bool(_LATE.search(text))

    def rewrite(self) -> str:
        while self._at < len(self._text):
            self._step()
        return "".join(self._out)

    @property
    def _quoted(self) -> bool:
        return self._levels[-1][1]

    # -- what a word is -----------------------------------------------------------------------

    @property
    def _is_script(self) -> bool:
        """Whether the word here is a script for another shell, or for this one later."""
        if self._runs_texts and re.match(r"[A-Za-z_]\w*=", self._word):
            return True
        words = [word for word in self._words if not re.fullmatch(r"[A-Za-z_]\w*=.*", word, re.S)]
        names = [word.rpartition("/")[2] for word in words]
        if any(name in _REMOTE for name in names):
            return True
        if names[-1:] == ["trap"]:
            return True
        for index, name in enumerate(names):
            if name in _SHELLS or words[index].startswith("$"):
                options = [at for at in range(index + 1, len(words)) if _OPTION.fullmatch(words[at])]
                # The script is the first word behind the options; those that follow are its arguments.
                if options and all(word.startswith("-") for word in words[options[0] + 1 :]):
                    return True
        return False

    def _feeds_a_shell(self) -> bool:
        names = [word.rpartition("/")[2] for word in self._words]
        return any(name in _SHELLS or name in _REMOTE for name in names) or any(
            word.startswith("$") for word in self._words[:1]
        )

    # -- one step -----------------------------------------------------------------------------

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
            self._levels[-1] = (self._levels[-1][0], not self._quoted)
            self._emit(char)
            self._at += 1
        elif char == "#" and not self._quoted and not self._word:
            end = text.find("\n", at)
            self._copy(len(text) if end < 0 else end)
        elif text.startswith("$((", at) and "))" in text[at:]:
            self._arithmetic(text.index("))", at) + 2)
        elif text.startswith("$(", at):
            self._open(")", 2)
        elif char == "`":
            if self._levels[-1][0] == "`":
                self._close()
            else:
                self._open("`", 1)
        elif char == ")" and not self._quoted and self._levels[-1][0] == ")":
            self._close()
        elif not self._quoted and (here := _HERE.match(text, at)):
            self._here_word(here)
        elif name := self._parameter(at):
            expansion = f"${{{self._names[name]}}}"
            self._emit(expansion if self._quoted else f'"{expansion}"')
            self._word += "?"
            self._at += len(name) + 3
        else:
            self._plain(char)

    def _plain(self, char: str) -> None:
        if not self._quoted and (char.isspace() or char in _BREAKS):
            self._end_word()
            if char in _BREAKS:
                self._words = []
        else:
            self._word += char
        self._emit(char)
        self._at += 1
        if char == "\n" and not self._quoted and self._here:
            self._here_bodies()

    def _end_word(self) -> None:
        if self._word:
            self._words.append(self._word)
        self._word = ""

    def _open(self, end: str, length: int) -> None:
        self._emit(self._text[self._at : self._at + length])
        self._at += length
        self._levels.append((end, False))
        self._outer.append([*self._words, "\0", self._word])
        self._words, self._word = [], ""

    def _close(self) -> None:
        self._emit(self._text[self._at])
        self._at += 1
        self._levels.pop()
        *words, word = self._outer.pop()
        self._words, self._word = words[:-1], word + "?"

    def _parameter(self, at: int) -> str:
        found = _PARAMETER.match(self._text, at)
        return found[1] if found and found[1] in self._names else ""

    def _take(self, count: int) -> None:
        piece = self._text[self._at : self._at + count]
        self._word += piece[1:] if piece[0] == "\\" else piece
        self._copy(self._at + count)

    def _copy(self, end: int) -> None:
        self._emit(self._text[self._at : end])
        self._at = end

    def _emit(self, piece: str) -> None:
        self._out.append(piece)

    # -- scripts, arithmetic and here-documents -----------------------------------------------

    def _single(self, content: str) -> None:
        """Rewrite what stands in single quotes."""
        if self._is_script:
            # The other shell expands it; what is put in holds no single quote of its own.
            self._word += content or "''"
            self._emit(f"'{_Rewriter(content, self._names).rewrite()}'")
            return
        self._word += content or "''"
        for name, variable in self._names.items():
            content = content.replace(f"${{{name}}}", f"'\"${{{variable}}}\"'")
        self._emit(f"'{content}'")

    def _script(self) -> None:
        """Rewrite a script in double quotes: this shell leaves the parameters to the other one."""
        text = self._text
        end = self._at + 1
        while end < len(text) and text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        content = text[self._at + 1 : end]
        self._emit(f'"{self._deferred(content, quote=chr(92) + chr(34))}"')
        self._word += "script"
        self._at = end + 1

    def _deferred(self, content: str, quote: str, dollar: str = "\\$") -> str:
        """Rewrite a text that this shell expands first, and another one runs.

        Raises:
            Ambiguous: That one hands a part of it to yet another shell.
        """
        if not any(f"${{{name}}}" in content for name in self._names):
            return content
        if _NESTED.search(content):
            raise Ambiguous("a parameter stands in a script inside of a script")
        out: list[str] = []
        double = single = False
        at = 0
        while at < len(content):
            char = content[at]
            if char == "\\" and at + 1 < len(content):
                if content[at + 1] == '"' and not single and quote != '"':
                    double = not double
                out.append(content[at : at + 2])
                at += 2
                continue
            if char == "'" and not double:
                single = not single
            elif char == '"' and quote == '"' and not single:
                double = not double
            found = _PARAMETER.match(content, at)
            if not found or found[1] not in self._names:
                out.append(char)
                at += 1
                continue
            expansion = f"{dollar}{{{self._names[found[1]]}}}"
            if single:
                expansion = f"'{quote}{expansion}{quote}'"
            elif not double:
                expansion = f"{quote}{expansion}{quote}"
            out.append(expansion)
            at = found.end()
        return "".join(out)

    def _arithmetic(self, end: int) -> None:
        """Rewrite an arithmetic expansion, where quotes mean nothing."""
        piece = self._text[self._at : end]
        for name, variable in self._names.items():
            piece = piece.replace(f"${{{name}}}", f"${{{variable}}}")
        self._emit(piece)
        self._word += "?"
        self._at = end

    def _here_word(self, found: re.Match[str]) -> None:
        """Take note of a here-document; it begins with the next line."""
        literal = found[1] if found[1] is not None else found[2]
        delimiter = found[3] if literal is None else literal
        quoted = literal is not None or delimiter.startswith("\\")
        self._here.append((delimiter.removeprefix("\\"), quoted, self._feeds_a_shell()))
        self._end_word()
        self._copy(found.end())

    def _here_bodies(self) -> None:
        for delimiter, quoted, is_script in self._here:
            end = re.compile(rf"^\t*{re.escape(delimiter)}$", re.M).search(self._text, self._at)
            stop = end.start() if end else len(self._text)
            body = self._text[self._at : stop]
            if is_script and quoted:
                body = _Rewriter(body, self._names).rewrite()
            elif is_script:
                body = self._deferred(body, quote='"')
            elif not quoted:
                for name, variable in self._names.items():
                    body = body.replace(f"${{{name}}}", f"${{{variable}}}")
            elif any(f"${{{name}}}" in body for name in self._names):
                raise Ambiguous("a parameter stands in a here-document that is not expanded")
            self._emit(body)
            self._at = stop
            if end:
                self._copy(end.end())
        self._here = []

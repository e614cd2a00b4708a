"""Converts the output of programs to HTML: colours become classes, everything else is text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup, escape

__all__ = ["PLAIN", "Style", "to_html", "visible"]

_SEQUENCE: Final = re.compile(
    "\x1b\\[([0-9;:]{0,200})m"  # a colour
    "|\x1b\\[[0-?]{0,200}[ -/]{0,10}[@-~]"  # any other control sequence
    "|\x1b[\\]P^_X][^\x07\x1b]{0,4000}(?:\x07|\x1b\\\\)"  # a title or a link of a terminal
    "|\x1b[ -/]{0,10}[0-~]"
)

_HIDDEN: Final = {
    **{code: chr(0x2400 + code) for code in range(32) if code not in (9, 10)},
    0x7F: "\u2421",
    # These change the direction of the text around them, or are invisible.
    **{
        code: f"\N{LEFT-POINTING ANGLE BRACKET}U+{code:04X}\N{RIGHT-POINTING ANGLE BRACKET}"
        for code in (*range(0x80, 0xA0), 0x61C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F),
                     *range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC))
    },
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
}  # fmt: skip

_LEVELS: Final = (0, 95, 135, 175, 215, 255)


@dataclass(frozen=True, slots=True)
class Style:
    """The look of text: a colour and a background of 0 to 15, and some attributes."""

    colour: int | None = None
    """Number of the colour; None for the default."""
    background: int | None = None
    """Number of the colour of the background; None for the default."""
    bold: bool = False
    """Whether the text is bold."""
    dim: bool = False
    """Whether the text is faint."""
    italic: bool = False
    """Whether the text is italic."""
    underlined: bool = False
    """Whether the text is underlined."""

    def classes(self) -> str:
        """Return the names of CSS classes."""
        names = [
            *([f"f{self.colour}"] if self.colour is not None else []),
            *([f"b{self.background}"] if self.background is not None else []),
            *(["bo"] if self.bold else []),
            *(["di"] if self.dim else []),
            *(["it"] if self.italic else []),
            *(["un"] if self.underlined else []),
        ]
        return " ".join(names)

    def packed(self) -> str:
        """Return the style as a short text, for `Style.of`."""
        return self.classes().replace(" ", ".")

    @classmethod
    def of(cls, text: str) -> Style:
        """Return the style of a packed text; names that it does not know have no effect."""
        style = cls()
        for name in text.split(".")[:8]:
            number = int(name[1:]) if re.fullmatch("[fb][0-9]{1,2}", name) else 16
            if number < 16:
                is_colour = name[0] == "f"
                style = replace(style, colour=number) if is_colour else replace(style, background=number)
            elif name in _ATTRIBUTES:
                style = replace(style, **{_ATTRIBUTES[name]: True})
        return style


_ATTRIBUTES: Final = {"bo": "bold", "di": "dim", "it": "italic", "un": "underlined"}

PLAIN: Final = Style()
"""The style of text without a colour."""


def visible(text: str) -> str:
    """Return a text in which control characters, and those that change the direction of text, are visible."""
    return text if text.isascii() and text.isprintable() else text.translate(_HIDDEN)


def to_html(text: str, style: Style = PLAIN) -> tuple[Markup, Style]:
    """Return text as HTML, and the style at its end.

    Args:
        text: The text. A carriage return makes the rest of a line overwrite its begin.
        style: The style at its begin.
    """
    pieces: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            pieces.append("\n")
        style = _line(line, style, pieces)
    return Markup("").join(Markup(piece) for piece in pieces), style  # noqa: S704 - each piece is escaped


def _line(line: str, style: Style, pieces: list[str]) -> Style:
    """Add the HTML of a line to pieces, and return the style at its end."""
    begin = len(pieces)
    overwritten = line.rstrip("\r")
    for part in overwritten.split("\r"):
        if part and len(pieces) > begin and _SEQUENCE.sub("", part):
            # The part is shown instead of what the line has shown so far.
            del pieces[begin:]
        at = 0
        for match in _SEQUENCE.finditer(part):
            _add(part[at : match.start()], style, pieces)
            at = match.end()
            if match[1] is not None:
                style = _changed(style, match[1])
        _add(part[at:], style, pieces)
    return style


def _add(text: str, style: Style, pieces: list[str]) -> None:
    if text:
        safe = escape(visible(text))
        pieces.append(str(safe) if style == PLAIN else f'<span class="{style.classes()}">{safe}</span>')


def _changed(style: Style, parameters: str) -> Style:
    """Return a style after a sequence that sets colours and attributes."""
    codes = [int(code) if code.isdigit() and len(code) < 4 else 0 for code in re.split("[;:]", parameters)]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = PLAIN
        elif code in (38, 48):
            colour = _extended(codes)
            style = replace(style, colour=colour) if code == 38 else replace(style, background=colour)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = replace(style, colour=code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = replace(style, background=code - 40 if code < 100 else code - 92)
        elif code in (39, 49):
            style = replace(style, colour=None) if code == 39 else replace(style, background=None)
        elif code in (1, 2, 3, 4):
            style = replace(style, **{("bold", "dim", "italic", "underlined")[code - 1]: True})
        elif code == 22:
            style = replace(style, bold=False, dim=False)
        elif code in (23, 24):
            style = replace(style, **{"italic" if code == 23 else "underlined": False})
    return style


def _extended(codes: list[int]) -> int | None:
    """Take a colour of 256, or of red, green and blue, from codes; return the nearest of the 16 colours."""
    kind = codes.pop(0) if codes else 0
    if kind == 5 and codes:
        number = codes.pop(0)
        if number < 16:
            return number
        if number < 232:
            cube = number - 16
            return _nearest(_LEVELS[cube // 36 % 6], _LEVELS[cube // 6 % 6], _LEVELS[cube % 6])
        return _nearest(*[8 + 10 * (number - 232)] * 3)
    if kind == 2 and len(codes) >= 3:
        red, green, blue = codes[:3]
        del codes[:3]
        return _nearest(red, green, blue)
    return None


def _nearest(red: int, green: int, blue: int) -> int:
    """Return the one of the 16 colours that is nearest to a colour."""
    highest, lowest = max(red, green, blue), min(red, green, blue)
    if highest - lowest < 48:
        return 0 if highest < 64 else 8 if highest < 150 else 7 if highest < 220 else 15
    middle = (highest + lowest) / 2
    base = (red > middle) | (green > middle) << 1 | (blue > middle) << 2
    return base + 8 if highest > 200 else base

"""Output of programs as HTML: colours, overwritten lines, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchcompute.service.web.ansi import PLAIN, Style, to_html, visible


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain\n", "plain\n"),
        ("<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;"),
        ("\x1b[31mred\x1b[0m.", '<span class="f1">red</span>.'),
        ("\x1b[1;92mok\x1b[22m \x1b[39mend", '<span class="f10 bo">ok</span><span class="f10"> </span>end'),
        ("\x1b[38;5;196mx\x1b[48;2;0;0;255my", '<span class="f9">x</span><span class="f9 b12">y</span>'),
        ("\x1b[38;5;240mx", '<span class="f8">x</span>'),
        ("\x1b[4:3mx\x1b[24my", '<span class="it un">x</span><span class="it">y</span>'),
        ("a\x1b[2K\x1b[1Gb", "ab"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b", "ab"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("dos\r\nend", "dos\nend"),
        ("\x1b[31mx\r\x1b[0m\n", '<span class="f1">x</span>\n'),
        ("\0\x07", "\u2400\u2407"),
        ("a\u202eb", "a\N{LEFT-POINTING ANGLE BRACKET}U+202E\N{RIGHT-POINTING ANGLE BRACKET}b"),
        ("\x1b[38m\x1b[38;5mx\x1b[38;3mx\x1b[999mx", "xxx"),
    ],
)  # fmt: skip
def test_text_becomes_html(text: str, html: str) -> None:
    assert to_html(text)[0] == html


def test_a_style_goes_on_in_the_next_piece() -> None:
    _, style = to_html("\x1b[1;3;4;2;31;44mx\n")
    packed = style.packed()
    assert Style.of(packed) == style
    assert to_html("y", Style.of(packed))[0] == '<span class="f1 b4 bo di it un">y</span>'


@pytest.mark.parametrize("text", ["", "x", "f99", "f1.<script>", 'f1"onclick', "." * 1000, "b16.f-1"])
def test_a_packed_style_can_be_anything(text: str) -> None:
    assert Style.of(text) in (PLAIN, Style(colour=1))


@given(st.text(alphabet="\x1b[]m;0134857Kx<>&\"'\r\n\x07\\", max_size=60))
def test_no_text_becomes_a_tag(text: str) -> None:
    html = str(to_html(text)[0])
    rest = html.replace("</span>", "")
    while '<span class="' in rest:
        head, _, tail = rest.partition('<span class="')
        rest = head + tail.partition('">')[2]
    assert not set("<>\"'\x1b\x07\r") & set(rest)


def test_ordinary_text_is_not_changed() -> None:
    for text in ("abc", "Grüße 日本 🎉", "tab\tline\n"):
        assert visible(text) == text

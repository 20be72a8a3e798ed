"""Figures of a board as files: SVG for light and dark pages, each with a digest of what it shows.

Two versions of matplotlib write different bytes for one figure. So a file is compared by two digests in its metadata,
not by its bytes: that of the drawn data must be that of the records, and that of the rest of the file must be its own.
A figure that was drawn by another version then stays as it is, and one that was edited is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from markupsafe import Markup
from matplotlib.figure import Figure

from vreid_bench.reporting.page.figures import BoardFigure, draw_conventions, draw_scores
from vreid_bench.reporting.page.svg import VARIABLES, drawing, save_figure
from vreid_bench.reporting.page.view import BoardView
from vreid_bench.reporting.text import sanitize
from vreid_bench.system.fingerprint import digest, sha256

SCHEMES = ("light", "dark")
METADATA = re.compile(r"<metadata>vreid-bench data ([0-9a-f]{64}) drawing ([0-9a-f]{64})</metadata>")
DIGITS = 6  # of a drawn number: sums of the same numbers in another order agree in more


class FigureFile(NamedTuple):
    """A figure of a board that is to be in a file."""

    name: str  # of the file
    scheme: str  # light or dark
    shown: BoardFigure
    data: str  # digest of what is drawn

    def render(self) -> bytes:
        """The SVG with both digests."""
        text = _paint(self.shown, self.scheme)
        mark = f"<metadata>vreid-bench data {self.data} drawing {sha256(text.encode())}</metadata>"
        end = text.index(">", text.index("<svg")) + 1
        return (text[:end] + mark + text[end:]).encode()

    def find_fault(self, content: bytes) -> str | None:
        """Why a file is not this figure, in words; None if it is."""
        text = content.decode(errors="replace")
        found = METADATA.search(text)
        if found is None or found[1] != self.data:
            return "does not follow from the records"
        if sha256((text[: found.start()] + text[found.end() :]).encode()) != found[2]:
            return "was edited after it was drawn"
        return None


def draw_front(view: BoardView) -> list[FigureFile]:
    """The figures of the rows that the front shows: scores, and the same rankings under each convention."""
    best = replace(view, sections=view.sections[:1])
    with drawing():
        drawn = [figure for draw in (draw_scores, draw_conventions) if (figure := draw(best)) is not None]
    return [
        FigureFile(f"{each.name}{'' if scheme == 'light' else f'-{scheme}'}.svg", scheme, each, _digest(each, scheme))
        for each in drawn
        for scheme in SCHEMES
    ]


def _digest(shown: BoardFigure, scheme: str) -> str:
    """Of everything that a figure draws: numbers, names, colours and size."""
    return digest([shown.name, sanitize(shown.description), _read_palette(scheme), *_list_drawn(shown.figure)])


def _list_drawn(figure: Figure) -> Iterator[object]:
    yield _round(figure.get_size_inches())
    for axes in figure.axes:
        yield [axes.get_xlabel(), axes.get_ylabel(), axes.get_title()]
        yield [each.get_text() for each in (*axes.get_xticklabels(), *axes.get_yticklabels())]
        for line in axes.lines:
            style = [str(line.get_color()), str(line.get_marker()), str(line.get_linestyle()), str(line.get_label())]
            yield [*style, _round(line.get_xdata()), _round(line.get_ydata())]


def _round(values: object) -> list[str]:
    return [f"{float(value):.{DIGITS}g}" for value in values]  # type: ignore[attr-defined]  # an array or a list


def _paint(shown: BoardFigure, scheme: str) -> str:
    """The SVG as text, in the colours of a scheme, with a title for those who do not see it."""
    text = save_figure(shown.figure, "svg").decode()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    palette = _read_palette(scheme)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, palette[variable])
    end = text.index(">") + 1
    title = Markup("<title>{}</title>").format(sanitize(shown.description))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text[:end]}{title}{text[end:]}'


@cache
def _read_palette(scheme: str) -> dict[str, str]:
    """The colours of pages, by the names of their variables: those of dark screens stand behind the others."""
    style = files("vreid_bench.reporting.page").joinpath("templates/style.css").read_bytes().decode()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    light, dark = (dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    return light if scheme == "light" else light | dark

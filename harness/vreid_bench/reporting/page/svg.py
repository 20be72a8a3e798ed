"""A figure of matplotlib as SVG that stands inside a page: the same bytes each time, in the colours of the page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

# The colours of figures. In a page they become its variables, which are others on a dark screen. Those of series are
# the eight of Okabe and Ito, which people who are colour-blind can tell apart, darker where they would be faint.
INK, MUTED, GRID, PAPER = "#1b1c1e", "#5b6067", "#d7dade", "#fffffe"
SERIES = ("#0072b2", "#d55e00", "#00805f", "#aa4499", "#8a6d00", "#3a8fc4", "#7a4a1f", "#5b5f66")
VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--line", PAPER: "--paper"} | {
    colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)
}
RULES: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: to be searched, read aloud, and small
    "svg.hashsalt": "vreid-bench",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "text.usetex": False,
    "text.parse_math": False,  # a name may have a dollar sign
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the style of this project, whatever the user's own style is."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RULES)
        yield


def save_figure(figure: Figure, form: str) -> bytes:
    """The bytes of a figure as `svg`, `pdf` or `png`, equal for equal figures."""
    file = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with drawing(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in letters that matplotlib's own font lacks
        # a picture of pixels is looked at anywhere, so it brings its paper
        paper = "white" if form == "png" else "none"
        figure.savefig(
            file, format=form, metadata=metadata, facecolor=paper, bbox_inches="tight", pad_inches=0.08, dpi=200
        )
    return file.getvalue()


def embed_figure(figure: Figure, name: str, description: str) -> Markup:
    """The figure as an `<svg>` element in the colours of a page; `description` is what a screen reader says of it.

    name: of letters and dashes, different from those of the other figures of the page.
    """
    text = save_figure(figure, "svg").decode()
    text = text[text.index("<svg") :]
    # the metadata name the program; the style is for every element of the page, which has it for its figures
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    head = Markup('<svg role="img" aria-label="{}" ').format(description)
    return head + Markup(text.removeprefix("<svg "))  # matplotlib has escaped every text

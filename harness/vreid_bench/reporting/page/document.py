"""HTML documents from templates: one file each, of which nothing is loaded from outside."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vreid_bench.reporting.page.figures import BoardFigure
from vreid_bench.reporting.page.svg import embed_figure
from vreid_bench.reporting.text import sanitize


@dataclass(frozen=True)
class EmbeddedFigure:
    """A figure as it stands in a page."""

    title: str
    caption: str
    svg: Markup


def embed(figure: BoardFigure) -> EmbeddedFigure:
    """The figure as a part of a page."""
    return EmbeddedFigure(
        figure.title, figure.caption, embed_figure(figure.figure, figure.name, sanitize(figure.description))
    )


def render_template(template: str, **values: object) -> bytes:
    """The document that a template makes of these values; every text in them is escaped."""
    environment = _load_templates()
    text: str = environment.get_template(template).render(**values)
    return text.encode()


@cache
def _load_templates() -> Environment:
    loader = PackageLoader("vreid_bench.reporting.page")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    style, script, run_style = (_read(environment, name) for name in ("style.css", "script.js", "run.css"))
    environment.globals |= {"style": style, "run_style": run_style, "script": script, "script_hash": _hash(script)}
    return environment


def _read(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])  # our own file


def _hash(script: str) -> str:
    """How a content security policy names a script that may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

"""Strangers' text in a record is text in everything that is made of records: no element, no command, no formula."""

import csv
import io
import json
import re
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from claim_cases import PEOPLE, make_claim, make_record
from golden_records import change_fields, number
from ruamel.yaml import YAML

from vreid_bench.records.record import Record, record_path
from vreid_bench.reporting.board import boards
from vreid_bench.reporting.claims import Claims, Unjudged
from vreid_bench.reporting.claims_page import render_claims, render_claims_text
from vreid_bench.reporting.export.every_eval_ever import evaluation_path, render_evaluation
from vreid_bench.reporting.export.huggingface import render_model_card
from vreid_bench.reporting.export.lines import render_csv
from vreid_bench.reporting.front import build_front
from vreid_bench.reporting.front_place import Place
from vreid_bench.reporting.judgement import judge_papers
from vreid_bench.reporting.page.render import render_report
from vreid_bench.reporting.pages import render_pages
from vreid_bench.reporting.paper_tables import TableShape, render_table
from vreid_bench.reporting.plots import draw
from vreid_bench.reporting.run_report import as_json
from vreid_bench.reporting.runs import list_runs, render_runs
from vreid_bench.reporting.terminal import render
from vreid_bench.reporting.text import sanitize
from vreid_bench.system.files import write_atomic

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</script><svg onload=alert(1)>",
    "x --> <!-- end board --> y",
    r"\input{/etc/passwd} $x_1^2$ %&#~",
    "\x1b[2J\x1b]0;title\x07\x9b31m\u202eabc\u2066",
    "../../../../etc/passwd",
    '=HYPERLINK("http://x.example","y")',
    "{{ 7 * 7 }}{% raw %}",
    "| [a](javascript:x) ![b](http://x.example) `c` www.x.example |\n\n# heading\n- item",
    "key: [1, *a]\n--- !!python/object:os.system",
    "]]> &lt;b&gt; &#60;i&#62;",
]
CONVENTIONS = ("queries-in-gallery", "official")


def make_hostile(place, text, seed):
    """A record that has the text wherever the schema takes any text."""
    mean, half = 0.5 - place / 100, len(HOSTILE) * PEOPLE  # two queries of each person under each condition
    changes = {
        "method__paper": f"{text}: a title, 2020",
        "method__overrides": {text[:40]: text},
        "method__modified": True,
        "method__swapped": text if place % 2 else None,  # where a part is swapped, no printed number stands
        "method__reported": [number(0.5 + place / 100, where=text, note=text, settings={text[:40]: text})],
        "method__quoted": [number(0.5, where=text, note=text)],
        "dataset__notes": [text],
        "disclosure__reranking": None,
        "disclosure__test_time_augmentation": text,
        "disclosure__corruption_in_training": text,
        "environment__device": text,
        "not_computable": {"one-camera-each": text},
        "camera_pairs": {"cameras": [1, 2], "mAP": [[None, mean], [mean, None]], "queries": [[0, half], [half, 0]]},
    }
    conditions = dict.fromkeys(HOSTILE, mean)
    made = make_record(f"method-{place}", seed, conditions=conditions, **changes).model_dump(mode="json")
    result = made["conventions"]["queries-in-gallery"]
    rules = change_fields()["conventions"]["official"]
    made["conventions"]["official"] = result | {name: rules[name] for name in ("version", "fingerprint", "rules")}
    made["method"]["providers"] = [
        {"kind": "method", "name": text, "distribution": text, "version": text, "code": None}
    ]
    return Record.of(made)


@pytest.fixture(scope="module")
def records():
    return [make_hostile(place, text, seed) for place, text in enumerate(HOSTILE) for seed in range(3)]


@pytest.fixture(scope="module")
def board(records):
    [board] = boards(records)
    return board


@pytest.fixture(scope="module")
def judged(records):
    claims = [
        make_claim({"method": "method-0", "condition": text, "settings": settings}, "method-1", note=text)
        for text in HOSTILE
        for settings in ({}, {text: text})
    ]
    claims = [each.model_copy(update={"says": text, "where": text}) for each in claims for text in HOSTILE[:3]]
    unjudged = tuple(Unjudged(says=text, where=text, why=text) for text in HOSTILE)
    papers = {
        text: Claims(paper=text, claim=tuple(claims[:: 1 if text == HOSTILE[0] else 40]), unjudged=unjudged)
        for text in HOSTILE
    }
    return judge_papers(papers, records)


@pytest.fixture(scope="module")
def front(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("front") / "board"
    text = "<!-- begin board mars/synthetic -->\n<!-- end board -->\n"
    return build_front(Place(folder.parent / "README.md", text, "mars/synthetic"), folder, records)


def assert_calm(text):
    """No character moves a cursor, hides a letter or turns the direction of text."""
    stray = {c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\u200b"}
    assert not stray


class Page(HTMLParser):
    """Elements with their attributes, and the text outside scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self.values = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, sorted(name for name, _ in attributes)))
        self.values += [value for _, value in attributes if value]

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.elements.append(("comment", data))

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def test_html_pages(records):
    for content in (content.decode() for _, content in render_report(records)):
        assert_calm(content)
        page = Page(content)
        tags = [tag for tag, _ in page.elements]
        assert not {"img", "iframe", "comment", "i", "b"} & set(tags)
        assert all(not any(name.startswith("on") for name in names) for _, names in page.elements)
        if "Camera pairs" in page.text:  # the board's own page
            assert tags.count("script") == 2
            assert [text for text in HOSTILE if sanitize(text) not in page.text] == []


@pytest.mark.parametrize("name", ["README.md", "mars-synthetic.md", "claims", "front"])
def test_markdown(name, records, judged, front):
    """What Markdown or HTML could take for markup is a character reference."""
    pages = {each: content.decode() for each, content in render_pages(records).items()}
    pages |= {"claims": render_claims(judged).decode(), "front": front.content.decode()}
    text = pages[name]
    assert_calm(text)
    own = {"comment", *(["picture", "source", "img"] if name == "front" else [])}
    elements = Page(text).elements
    assert {tag for tag, _ in elements} <= own
    comments = [data for tag, data in elements if tag == "comment"]
    assert len(comments) == (2 if name == "front" else 1)
    if name != "front":  # its links lead to pages and figures
        links = re.findall(r"\]\(([^)]*)\)", text)
        assert all(link.endswith(".md") for link in links)
    assert "www." not in text
    assert "http:" not in text
    assert "`c`" not in text
    assert "{{" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
    assert not re.search(r"^# heading|^- item", text, re.MULTILINE)
    if name not in ("README.md", "front"):
        assert "&#60;script&#62;" in text


def test_latex(board):
    text = render_table(board, TableShape("latex", intervals=True))
    assert_calm(text)
    assert r"\input" not in text
    head, *rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    plain = [
        re.sub(
            r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|textquotedbl)\{\}", "", row
        )
        for row in rows
    ]
    plain = [re.sub(r"\\[&%$#_{}]|\$\\pm\$|\\textsuperscript\{[a-z]+\}", "", row.removesuffix(r" \\")) for row in plain]
    assert {row.count("&") for row in plain} == {head.count("&")}
    assert not any(character in row for row in plain for character in '\\%$#_{}~^<>|"')
    assert text.splitlines()[1].startswith("% mars on synthetic data")


@pytest.mark.parametrize("form", ["table", "export"])
def test_csv(form, board, records):
    text = render_table(board, TableShape("csv")) if form == "table" else render_csv(records)
    assert_calm(text)
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not any(cell[:1] in tuple("=+@") for row in rows for cell in row)
    cells = {cell for row in rows for cell in row}
    assert any("<script>alert(1)</script>" in cell for cell in cells)
    if form == "export":
        assert {sanitize(text) for text in HOSTILE if not text.startswith("=")} <= cells


def test_markdown_table(board):
    text = render_table(board, TableShape())
    assert_calm(text)
    assert Page(text).elements == []
    assert len(text.splitlines()) == 2 + len(board.rows)


@pytest.mark.parametrize("form", ["table", "run", "every-eval-ever"])
def test_json(form, board, records):
    """Readers decide what a text is; the bytes are ASCII, so a terminal shows them as they are."""
    texts = {
        "table": lambda: [render_table(board, TableShape("json"))],
        "run": lambda: [json.dumps(as_json(record)) for record in records],
        "every-eval-ever": lambda: [render_evaluation(record) for record in records],
    }
    for text in texts[form]():
        assert text.isascii()
        assert_calm(text)
        json.loads(text)


def test_model_card(records):
    yaml = YAML(typ="safe")
    text = render_model_card(records[::3])
    assert_calm(text)
    assert text.count("---\n") == 2
    found = yaml.load(text[4 : text.rindex("---\n")])
    results = [result for model in found["model-index"] for result in model["results"]]
    conditions = {result["dataset"]["args"].get("condition", "") for result in results}
    assert conditions == {"", *map(sanitize, HOSTILE)}


@pytest.mark.parametrize("width", [None, 80])
def test_terminal(records, judged, width, tmp_path):
    for place, record in enumerate(records):
        write_atomic(tmp_path / f"run-{place}" / "record.json", record.to_json())
    shown = [render(records), render_claims_text(judged, width), render_runs(list_runs(tmp_path), width)]
    for text in shown:
        assert_calm(text)
        assert "method-0" in text


def test_messages_of_faults(cli, tmp_path):
    for text in HOSTILE:
        path = tmp_path / "record.json"
        path.write_text(json.dumps(change_fields(preset=text, surprise=text) | {text: text}))
        told = cli("record", "check", path)
        assert told.exit_code == 2
        assert_calm(told.stderr)


@pytest.mark.parametrize("kind", ["front", "scores", "conventions", "conditions", "cost", "printed"])
def test_svg(kind, records, front):
    drawn = [figure.render() for figure in front.figures] if kind == "front" else [draw(kind, records, "svg")]
    for content in drawn:
        assert_calm(content.decode())
        tree = ElementTree.fromstring(content)
        tags = {element.tag.rpartition("}")[2] for element in tree.iter() if isinstance(element.tag, str)}
        assert not {"script", "image", "foreignObject", "a", "img"} & tags
        assert all(not name.startswith("on") for element in tree.iter() for name in element.attrib)
        if kind in ("front", "scores"):
            assert any("alert(1)" in (element.text or "") for element in tree.iter())


def test_paths_stay_in_their_folder(records):
    for record in records:
        for path in (record_path(record), evaluation_path(record)):
            assert not path.is_absolute()
            assert ".." not in path.parts
            assert re.fullmatch(r"[A-Za-z0-9._/-]+", str(path))

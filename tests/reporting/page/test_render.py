"""Pages as a browser reads them: whole, without anything from outside, and with strangers' text as text."""

import json
import re

import pytest
from golden_records import HOSTILE, number, record, seeds
from html_page import Page
from places import LEADERBOARD

from vreid_bench.reporting.page.render import render_report
from vreid_bench.reporting.record_folder import read_records


def pages(*records):
    return {name: Page(content) for name, content in render_report(records)}


def published(protocol):
    return [each for each in read_records(LEADERBOARD) if each.protocol.name == protocol]


@pytest.fixture(scope="module")
def corruption():
    return dict(render_report(published("mars-corruption")))


def test_a_page_has_every_row_with_its_scores(corruption):
    page = Page(corruption["mars-corruption-synthetic.html"])
    text = "\n".join(page.text)
    for each in published("mars-corruption"):
        assert each.method.name in text
        assert f"{100 * each.conventions['queries-in-gallery'].mAP:.1f}" in text
    assert {"Rows", "Figures", "Paper by paper", "Rules"} <= set(page.text)


def test_the_same_records_give_the_same_bytes(corruption):
    assert dict(render_report(published("mars-corruption"))) == corruption


def test_nothing_is_loaded_from_outside(corruption):
    for content in corruption.values():
        page = Page(content)
        assert not page.values("src")
        links = [*page.values("href"), *page.values("xlink:href")]
        assert all(link.startswith("#") or link in corruption for link in links)
        assert not re.search(rb"url\((?!#)|@import", content)
        [policy] = [value for value in page.values("content") if "default-src" in value]
        assert policy.startswith("default-src 'none'")


def test_links_within_a_page_lead_somewhere_and_no_name_is_given_twice(corruption):
    page = Page(corruption["mars-corruption-synthetic.html"])
    names = page.values("id")
    assert len(set(names)) == len(names)
    links = [*page.values("href"), *page.values("xlink:href")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(names)


def test_every_figure_says_what_it_shows(corruption):
    page = Page(corruption["mars-corruption-synthetic.html"])
    drawn = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert page.count("figure") == 5
    assert all(each["role"] == "img" and each["aria-label"] for each in drawn)


def test_the_script_finds_the_scores_of_each_row(corruption):
    page = Page(corruption["mars-corruption-synthetic.html"])
    [data] = [json.loads(text) for text in page.scripts if text.startswith("{")]
    assert set(page.values("data-row")) == set(data["rows"])
    for scores in data["rows"].values():
        assert set(scores) == {"queries-in-gallery", "official", "torchreid"}


def test_text_from_strangers_is_text():
    """In a name of a paper, a note, a remark, a cited place and a reason; elements are those of a harmless record."""
    harmless, hostile = (
        record(
            method__paper=f"{text}: title, 2020",
            dataset__notes=[text],
            method__overrides={text[:30]: text},
            method__modified=True,
            method__reported=[number(0.5, where=text, settings={text[:30]: text})],
            not_computable={"torch-reid": text},
        )
        for text in ("harmless " * 10, HOSTILE)
    )
    expected, found = (pages(each) for each in (harmless, hostile))
    for name, page in found.items():
        assert [tag for tag, _ in page.elements] == [tag for tag, _ in expected[name].elements]
    [board] = [page for name, page in found.items() if name != "index.html"]
    text = " ".join(board.text)
    assert "<script>alert(1)</script>" in text
    assert "{{ m }}" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


def test_boards_of_one_folder_have_a_page_each():
    other = record(dataset__fingerprint="a" * 64, seed=5)
    found = pages(*seeds(0.5, 0.6), other)
    assert sorted(found) == ["index.html", "mars-synthetic-2.html", "mars-synthetic.html"]
    assert set(found["index.html"].values("href")) == {"#main", *found} - {"index.html"}


def test_the_index_names_the_best_row_of_each_board():
    found = pages(*seeds(0.5, 0.7), record(dataset__fingerprint="a" * 64, seed=5))
    text = [each.strip() for each in found["index.html"].text if each.strip()]
    assert "60.0 ± 14.1" in text

"""The page of a run, as a browser reads it: whole, without anything from outside, and with names as text."""

import json
import re
import shutil

import pytest
from edited_run import allow_edits
from golden_records import HOSTILE
from html_page import Page
from opened_model import open_model
from places import ROOT
from safetensors import safe_open
from safetensors.torch import load_file

from vreid_bench.records.npz import read_npz, to_npz
from vreid_bench.records.record import Record
from vreid_bench.records.tensors import pack_tensors
from vreid_bench.reporting.page.run_page import RunPageRequest, write_run_page
from vreid_bench.system.errors import InputError

pytestmark = pytest.mark.slow


def write(run, figures=True, **options):
    return write_run_page(RunPageRequest(run, run.parent, quiet=True, **options), open_model if figures else None)


def page_of(run, **options):
    return Page(write(run, **options)[1])


@pytest.fixture(scope="module")
def plain(runs_of_kinds):
    return write(runs_of_kinds / "plain")


def test_the_page_says_what_ran_and_how_it_scored(plain, runs_of_kinds):
    name, content = plain
    record = Record.from_file(runs_of_kinds / "plain" / "record.json")
    text = "\n".join(Page(content).text)
    assert name == "plain.html"
    assert "mean-pooling on mars" in text
    for convention, result in record.conventions.items():
        assert convention in text
        for metric in ("mAP", "R1", "R5", "R10", "R20", "mINP"):
            assert f"{100 * getattr(result, metric):.1f}" in text
    assert record.weights.sha256[:8] in text
    assert {"Scores", "Figures", "Ranked retrievals", "Where the score comes from", "What ran"} <= set(text.split("\n"))
    for words in ("synthetic twin", "parameters", "re-ranking", record.environment.arithmetic or "not known"):
        assert words in text


def test_the_same_run_gives_the_same_bytes(plain, runs_of_kinds, tmp_path):
    assert write(runs_of_kinds / "plain") == plain
    moved = shutil.copytree(runs_of_kinds / "plain", tmp_path / "plain")
    assert write(moved) == plain


def test_nothing_is_loaded_from_outside(plain):
    page = Page(plain[1])
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.values("src"))
    links = [*page.values("href"), *page.values("xlink:href")]
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert not re.search(rb"url\((?!#)|@import", plain[1])
    [policy] = [value for value in page.values("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; img-src data:; style-src")


def test_links_within_the_page_lead_somewhere_and_no_name_is_given_twice(plain):
    page = Page(plain[1])
    names = page.values("id")
    assert len(set(names)) == len(names)
    assert {link[1:] for link in page.values("href")} <= set(names)


def test_every_picture_says_what_it_shows(plain):
    pictures = [attributes for tag, attributes in Page(plain[1]).elements if tag == "img"]
    words = [each["alt"] for each in pictures]
    assert all(re.fullmatch(r"Query, frame \d+ of \d+: .+|(Rank [\d,]+|No rank), (right|wrong|junk): .+", word)
               for word in words)  # fmt: skip
    assert any(word.startswith("Query") for word in words)
    assert any(", right: person" in word for word in words)
    assert any(", wrong: " in word for word in words)


def test_the_page_is_no_larger_than_the_documentation_says(plain, runs_of_kinds):
    """Six queries of six frames, ten ranks, three junk items and a late match, 12,000 bytes each, in base64."""
    assert 6 * (6 + 10 + 3 + 1) * 12_000 * 4 / 3 < 2e6
    assert "2 MB" in (ROOT / "docs" / "pages.md").read_text()
    assert len(plain[1]) < 2e6


def test_without_images_there_are_names_alone(runs_of_kinds, tmp_path):
    run = shutil.copytree(runs_of_kinds / "plain", tmp_path / "plain")
    (run / "data.json").unlink()  # the data is not needed
    page = page_of(run, images=False, figures=False)
    assert page.count("img") == 0
    [policy] = [value for value in page.values("content") if "default-src" in value]
    assert "img-src" not in policy
    text = " ".join(page.text)
    assert "✓ right" in text
    assert "bbox_test/" in text  # tracklets are named instead


def test_real_data_is_shown_in_names_unless_images_are_asked_for(runs_of_kinds, tmp_path):
    run = shutil.copytree(runs_of_kinds / "plain", tmp_path / "plain")
    record = run / "record.json"
    record.write_text(record.read_text().replace('"source": "synthetic"', '"source": "official"'))
    allow_edits(record.parent)
    page = page_of(run, figures=False)
    assert page.count("img") == 0
    assert "synthetic twin" not in " ".join(page.text)
    assert page_of(run, images=True, figures=False).count("img") > 10


def test_conditions_are_shown_with_the_ranks_of_the_first(runs_of_kinds):
    page = page_of(runs_of_kinds / "conditions")
    text = "\n".join(page.text)
    assert "up to 7 of 8 clips" in text
    assert "mAP under each condition" in text
    assert "They are of the first of 8 rankings, condition up to 0 of 8 clips." in text
    assert page.count("img") > 10


def test_a_selection_of_tracklets_shows_people(runs_of_kinds):
    page = page_of(runs_of_kinds / "selected")
    text = " ".join(page.text)
    assert "random against all" in text
    assert re.search(r"Best: person \d+ ", text)  # of no camera
    assert "What has no picture stands for several tracklets." in text


def test_splits_are_shown_with_the_ranks_of_the_first(runs_of_kinds):
    page = page_of(runs_of_kinds / "splits")
    text = "\n".join(page.text)
    assert "2 of 10 splits (0-1)" in text
    assert "Splits" in text
    assert "They are of the first of 2 rankings, split 0." in text


def test_a_reranked_run_shows_the_order_after_reranking(runs_of_kinds):
    page = page_of(runs_of_kinds / "reranked")
    assert "re-ranking: zhong" in " ".join(page.text)
    assert page.count("img") > 10


def test_what_only_the_matcher_ranks_is_left_out_with_a_sentence(runs_of_kinds):
    for name in ("conditions", "reranked", "selected", "pairs"):
        page = page_of(runs_of_kinds / name, figures=False)
        assert page.count("img") == 0
        assert "leave --no-figures out" in " ".join(page.text)


def test_weights_of_a_file_are_told_in_a_sentence(runs_of_kinds, tmp_path):
    """As `run --checkpoint` leaves them: its vectors are ranked, and a matcher could not be built."""
    for name, pictures in (("plain", True), ("conditions", False)):
        run = shutil.copytree(runs_of_kinds / name, tmp_path / name)
        record = json.loads((run / "record.json").read_text())
        record["weights"] |= {"origin": "file", "trained_by": None, "trained_under": None, "trained_as": []}
        (run / "record.json").write_text(json.dumps(record))
        allow_edits(run)
        page = page_of(run)
        assert (page.count("img") > 0) == pictures
        assert " ".join(page.text).count("The weights of this run are those of a file") == (1 if pictures else 2)


def test_the_figures_of_the_papers_are_those_that_the_method_has(runs_of_kinds):
    text = "\n".join(page_of(runs_of_kinds / "pairs").text)
    assert {"Figures of the papers", "Map of embeddings"} <= set(text.split("\n"))
    assert "Clip pairs, median query and its first match" in text
    assert "Frame attention" not in text
    assert "Map of embeddings" not in "\n".join(page_of(runs_of_kinds / "plain", figures=False).text)
    assert "ranks something else than the tracklets" in " ".join(page_of(runs_of_kinds / "selected").text)


def test_a_model_that_cannot_be_built_is_told_in_a_sentence(runs_of_kinds, tmp_path):
    run = shutil.copytree(runs_of_kinds / "reranked", tmp_path / "run")
    (run / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"safetensors is missing; .*; or let no model compute: --no-figures$"):
        write(run)


def test_a_damaged_file_of_a_run_is_told_in_a_sentence(runs_of_kinds, tmp_path):
    run = shutil.copytree(runs_of_kinds / "plain", tmp_path / "run")
    log = (run / "log.jsonl").read_text()
    (run / "log.jsonl").write_text(log + "[1]\n")
    with pytest.raises(InputError, match=r"log\.jsonl: line \d+ is no line of a training"):
        write(run)
    (run / "log.jsonl").write_text(log)
    for content in ("{", "[]", "{}", '{"queries-in-gallery": 3}'):
        (run / "breakdown.json").write_text(content)
        with pytest.raises(InputError, match=r"breakdown\.json: "):
            write(run)


def test_names_from_strangers_are_text(runs_of_kinds, tmp_path):
    """In the record, the queries, the features and the break-down; elements are those of harmless names."""
    pages = []
    for text in ("harmless", HOSTILE + "'\"../../x"):
        run = rename(shutil.copytree(runs_of_kinds / "plain", tmp_path / f"{len(text)}"), text)
        pages.append(page_of(run, images=False, figures=False))
    expected, found = pages
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in expected.elements]
    text = " ".join(found.text)
    assert text.count("<script>alert(1)</script>") > 20
    assert "{{ m }}" in text
    assert "../../x" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


def rename(run, text):
    """The same run with this text before every name."""
    record = json.loads((run / "record.json").read_text())
    record["method"] |= {"paper": text, "overrides": {text[:30]: text}, "modified": True}
    record["method"]["recipe"]["name"] = text
    number = {"metric": "mAP", "value": 0.5, "where": text, "note": text, "settings": {text[:30]: text}}
    record["method"]["reported"] = [{"dataset": "mars", "condition": "", "reranked": False, **number}]
    record["dataset"]["notes"] = [text]
    record["not_computable"] = {"torch-reid": text}
    (run / "record.json").write_text(json.dumps(record))
    allow_edits(run)
    arrays = read_npz(run / "per_query.npz")
    for name in ("person", "camera", "tracklet"):
        arrays[name] = arrays[name].astype(object)
        arrays[name][:] = [f"{text}{each}" for each in arrays[name]]
        arrays[name] = arrays[name].astype(str)
    (run / "per_query.npz").write_bytes(to_npz(arrays))
    breakdown = json.loads((run / "breakdown.json").read_text())
    for part in breakdown.values():
        for each in part["hardest"]:
            each["person"] = f"{text}{each['person']}"
        part["camera_pairs"]["cameras"] = [f"{text}{name}" for name in part["camera_pairs"]["cameras"]]
        part["attributes"] = {text: [{"value": text, "mAP": 0.5, "R1": 0.5, "queries": 3}]}
    (run / "breakdown.json").write_text(json.dumps(breakdown))
    store = run / "features.safetensors"
    with safe_open(store, framework="np") as file:
        note = file.metadata()
    names = {name: json.dumps([f"{text}{each}" for each in json.loads(note[name])])
             for name in ("person", "camera", "tracklet")}  # fmt: skip
    store.write_bytes(pack_tensors(load_file(store), note | names))
    return run


def test_every_option_is_in_the_documentation():
    page = (ROOT / "docs" / "pages.md").read_text()
    assert all(option in page for option in ("--no-images", "--images", "--no-figures", "--data"))

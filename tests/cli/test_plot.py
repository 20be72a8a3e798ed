"""`vreid-bench plot`: a file of each kind and form, and what may not be drawn together."""

import json

import pytest
from places import LEADERBOARD

RECORDS = LEADERBOARD / "records"
MARS = [RECORDS / f"mars/synthetic/{name}-small-seed{seed}.json" for name in ("ica", "tacan") for seed in (0, 1)]
CORRUPTION = sorted((RECORDS / "mars-corruption/synthetic").glob("*.json"))
SPLITS = [RECORDS / "prid2011/synthetic/mean-pooling-small-seed0.json"]


@pytest.mark.parametrize(
    ("kind", "records", "texts"),
    [
        ("scores", MARS, ["ica (2)", "tacan (2)", "Isobe et al., ICIP 2020"]),
        ("conventions", MARS, ["ica", "tacan", "torchreid", "official"]),
        ("conditions", CORRUPTION, ["mean-pooling", "clip-learned-corrupted", "up to 7 of 8 clips"]),
        ("cost", MARS, ["processor minutes for training and test", "Li et al., WACV 2020"]),
        ("cmc", MARS, ["ica", "tacan", "rank"]),
        ("splits", SPLITS, ["mean-pooling"]),
        ("printed", MARS, ["mAP measured here (%)", "Li et al., WACV 2020"]),
        ("people", MARS, ["less that of ica (points)"]),
    ],
)
def test_every_kind_is_drawn_with_its_names(cli, tmp_path, kind, records, texts):
    out = tmp_path / "figure.svg"
    result = cli("plot", kind, *records, "--out", out)
    assert result.output == f"{out}\n"
    svg = out.read_text()
    for text in texts:
        assert f">{text}</t" in svg, text


def test_a_run_is_named_by_its_id_or_its_folder(cli, tmp_path, finished_runs):
    run = next(folder for folder in sorted(finished_runs.iterdir()) if (folder / "record.json").exists())
    pictures = []
    for named in ((run.name, "--runs", finished_runs), (run,), (run / "record.json",)):
        out = tmp_path / f"{len(pictures)}.svg"
        drawn = cli("plot", "scores", *named, "--out", out)
        assert drawn.exit_code == 0, drawn.output
        pictures.append(out.read_bytes())
    assert pictures[0] == pictures[1] == pictures[2]
    refused = cli("plot", "scores", "nothing", "--runs", finished_runs, "--out", tmp_path / "a.svg")
    assert (refused.exit_code, refused.stderr.startswith("error: nothing: not a finished run")) == (2, True)


def test_a_seed_that_is_there_twice_counts_once(cli, tmp_path):
    again, other = tmp_path / "again.json", tmp_path / "other.json"
    record = json.loads(MARS[0].read_bytes())
    again.write_text(json.dumps({**record, "created": "2099-01-01T00:00:00Z"}))
    other.write_text(json.dumps({**record, "weights": {**record["weights"], "sha256": "0" * 64}}))
    once, twice = (tmp_path / name for name in ("once.svg", "twice.svg"))
    cli("plot", "scores", *MARS, "--out", once)
    drawn = cli("plot", "scores", again, *MARS, MARS[1], "--out", twice)
    assert drawn.stderr.splitlines() == [
        f"note: {MARS[1]} is given twice, and counts once",
        f"note: {again} is left out: it has the seed, the weights and the scores of {MARS[0]}",
    ]
    assert once.read_bytes() == twice.read_bytes()
    refused = cli("plot", "scores", other, *MARS, "--out", tmp_path / "refused.svg")
    assert refused.exit_code == 2
    assert "both ran ica small with seed 0, but they differ in weights; expected each seed once" in refused.stderr


def test_the_same_figure_has_the_same_bytes(cli, tmp_path):
    one, two = (tmp_path / name for name in ("one.pdf", "two.pdf"))
    for out in (one, two):
        cli("plot", "cmc", *MARS, "--out", out)
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes().startswith(b"%PDF")


def test_a_picture_for_slides(cli, tmp_path):
    cli("plot", "conventions", *MARS, "--out", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_people_are_counted_on_the_side_that_they_gain(cli, tmp_path):
    """tacan scores better on the mean; the axis says for how many of the people."""
    cli("plot", "people", *MARS, "--out", tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "354 people, each a bar; " in text
    assert "are better with tacan" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cmc", MARS[0], "--out", "a.gif"), "--out a.gif: expected a file that ends in .pdf, .svg, .png"),
        (("cmc", MARS[0], SPLITS[0], "--out", "a.pdf"), "may not be compared, expected runs of one protocol"),
        (("splits", MARS[0], "--out", "a.pdf"), "nothing to show, their protocol has one split"),
        (("conditions", MARS[0], "--out", "a.pdf"), "nothing to show, their protocol tests under one condition"),
        (("cost", MARS[0], "--out", "a.pdf"), "nothing to show, expected two rows or more"),
        (("people", *MARS[:2], "--out", "a.pdf"), "plot people: found 1 method, expected two"),
        (("cmc", "gone", "--out", "a.pdf"), "gone: not a finished run, expected a record.json in it"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence_and_no_file(cli, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = cli("plot", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []

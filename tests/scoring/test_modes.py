"""Modes of data sets with attributes, by hand: those of MEVID, infrared to visible, and ground to air."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import vreid_bench
from vreid_bench import Compared, Convention, Having, InputError, Split, Tracklet
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.conventions import read_convention, to_toml
from vreid_plugins.matchers.mean import Mean


def mode(name, **rules):
    return Convention(name, "1", None, "step", "skip", summary="", source="", **rules)


# One query of person 1 in camera 1: outfit a, indoors, large; and the gallery from near to far.
#            pid cam outfit place scale
QUERY = (1, 1, "a", "in", "l")
GALLERY = [
    (1, 1, "b", "out", "s"),  # the query's camera: junk in every mode
    (2, 2, "a", "in", "l"),  # rank 1, another person
    (1, 2, "a", "out", "l"),
    (1, 3, "b", "in", "l"),
    (2, 3, "b", "out", "s"),
    (1, 4, "b", "out", "s"),
]
COLUMNS = ("pid", "camid", "outfit", "place", "scale")
MODES = {
    "all": mode("all"),
    "SC": mode("SC", match=(Compared("outfit", "same"),)),
    "CC": mode("CC", match=(Compared("outfit", "other"),)),
    "SL": mode("SL", match=(Compared("place", "same"),)),
    "DL": mode("DL", match=(Compared("place", "other"),)),
    "SS": mode("SS", match=(Compared("scale", "same"),)),
    "DS": mode("DS", match=(Compared("scale", "other"),)),
}
# the ranks of the matches, after the others of the person have left the ranking
RANKS = {"all": [2, 3, 5], "SC": [2], "CC": [2, 4], "SL": [2], "DL": [2, 4], "SS": [2, 3], "DS": [3]}


def sides(query=(QUERY,), gallery=GALLERY, columns=COLUMNS):
    return [
        {name: np.array(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}
        for rows in (query, gallery)
    ]


@pytest.mark.parametrize("name", MODES)
def test_the_seven_modes_of_mevid(name):
    query, gallery = sides()
    distance = np.arange(len(GALLERY))[None]
    report = vreid_bench.score(query, gallery, distance=distance, conventions=MODES.values())
    expected = np.mean([(nth + 1) / rank for nth, rank in enumerate(RANKS[name])])
    assert report[name]["mAP"] == pytest.approx(expected)
    assert report[name]["R1"] == 0


def test_infrared_to_visible_and_back_are_two_conventions_of_one_list():
    """Each row is query and gallery item; the convention says who asks and who is ranked."""
    rows = [(1, 1, "ir"), (1, 2, "rgb"), (2, 1, "ir"), (2, 2, "rgb")]
    query, gallery = sides(rows, rows, ("pid", "camid", "modality"))
    distance = np.array([[0, 1, 2, 3], [1, 0, 5, 4], [3, 2, 0, 1], [4, 5, 2, 0]])
    to_visible = mode("to visible", query=(Having("modality", ("ir",)),), gallery=(Having("modality", ("rgb",)),))
    to_infrared = mode("to infrared", query=(Having("modality", ("rgb",)),), gallery=(Having("modality", ("ir",)),))
    report = vreid_bench.score(query, gallery, distance=distance, conventions=[to_visible, to_infrared])
    assert report["to visible"] | {"interval": None, "cmc": None} == report["to visible"] | {
        "mAP": 1.0,  # 1 before 3, and 1 before 2
        "R1": 1.0,
        "queries": 2,
        "interval": None,
        "cmc": None,
    }
    assert (report["to infrared"]["mAP"], report["to infrared"]["queries"]) == (1.0, 2)


def test_average_precision_is_cut_at_a_rank():
    """mAP@K of Kaggle: a perfect ranking has 1, and a match behind K adds nothing."""
    query, gallery = sides([(1, 1)], [(2, 2), (1, 2), (1, 3), (2, 3), (1, 4)], ("pid", "camid"))
    report = vreid_bench.score(
        query, gallery, distance=np.arange(5)[None], conventions=[mode("cut 2", cut=2), mode("cut 4", cut=4)]
    )
    assert report["cut 2"]["mAP"] == pytest.approx((1 / 2) / 2)
    assert report["cut 4"]["mAP"] == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert (report["cut 2"]["mINP"], report["cut 4"]["mINP"]) == (0, 0)


def test_values_are_texts_however_they_are_given():
    """A number is its shortest text; texts keep their zeros; a missing number is no value."""
    near, far = (mode(name, gallery=(Having("altitude", (name,)),)) for name in ("15", "80"))
    query, gallery = sides([(1, 1)], [(2, 2), (1, 2), (1, 3)], ("pid", "camid"))
    distance = np.arange(3)[None]
    for values in (np.array([15.0, 15.0, 80.0]), ["15", "15", "80"], np.array([15, 15, 80], np.int16)):
        for asked in ({}, {"altitude": np.array([np.nan])}):
            ranked = gallery | {"altitude": values}
            report = vreid_bench.score(query | asked, ranked, distance=distance, conventions=[near, far])
            assert (report["15"]["mAP"], report["80"]["mAP"]) == (0.5, 1.0)
    gaps = gallery | {"altitude": np.array([15, np.nan, 80])}
    with pytest.raises(InputError, match="15: not computable, it reads altitude, which not every tracklet tells"):
        vreid_bench.score(query, gaps, distance=distance, conventions=[near])


@pytest.fixture
def listed(tmp_path):
    """The example of MEVID as a CSV with embeddings on a line, and an attribute of its own."""
    lines = ["role,pid,camid,outfit,place,scale,attribute.weather,e0,e1"]
    for place, row in enumerate([QUERY, *GALLERY]):
        role, weather = "gallery" if place else "query", "sun" if place < 3 else "rain"
        lines.append(",".join(map(str, [role, *row, weather, place, 0])))
    path = tmp_path / "all.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_convention_is_read_from_a_file(cli_json, listed, tmp_path):
    rules = tmp_path / "changed.toml"
    rules.write_text('average_precision = "step"\nunmatched = "skip"\nmatch = [["outfit", "other"]]\n')
    found = read_convention(rules)
    assert found.name == "changed"
    assert found.rules["match"] == (("outfit", "other"),)
    report = cli_json("score", listed, "--metric", "euclidean", "--convention", rules)
    assert report["conventions"]["changed"]["mAP"] == pytest.approx((1 / 2 + 2 / 4) / 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('unmatched = "skip"\n', "average_precision is missing"),
        (
            'average_precision = "step"\nunmatched = "never"\n',
            "unmatched is 'never', expected 'skip', 'zero' or 'error'",
        ),
        (
            'average_precision = "step"\nunmatched = "skip"\nmatches = []\n',
            "? Its fields: queries_in_gallery, average_precision, unmatched, match, ",
        ),
        (
            'average_precision = "step"\nunmatched = "skip"\nmatch = [["outfit", "red"]]\n',
            "match[0].value is 'red', expected 'same' or 'other'",
        ),
        ("average_precision = \n", "show queries-in-gallery --toml` prints such a file"),
        (
            'average_precision = "step"\nunmatched = "skip"\nquery = [["a", ["b"]], ["a", ["c"]]]\n',
            "query names 'a' twice; give one rule for each attribute",
        ),
        ('average_precision = "step"\nunmatched = "skip"\nquery = [["a", []]]\n', "no value of 'a' may take part"),
        ('average_precision = "step"\nunmatched = "skip"\ncut = -1\n', "least_frames 0 and cut -1 must be 0 or more"),
    ],
)
def test_a_file_that_is_no_convention_is_refused(tmp_path, text, message):
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"convention 'rules'|rules\.toml") as refused:
        read_convention(path)
    assert message in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone.toml: the file does not exist"):
        read_convention(tmp_path / "gone.toml")


def test_scores_by_any_column(cli, cli_json, listed):
    report = cli_json("score", listed, "--metric", "euclidean", "--by", "weather", "--by", "place")
    parts = report["conventions"]["gallery-as-listed"]["by"]
    assert [row["value"] for row in parts["weather"]] == ["sun"]
    average = report["conventions"]["gallery-as-listed"]["mAP"]
    assert parts["place"] == [{"value": "in", "mAP": average, "R1": 0.0, "queries": 1}]
    assert "weather" in cli("score", listed, "--metric", "euclidean", "--by", "weather").output


def test_a_column_that_nobody_has_is_refused(cli, listed):
    result = cli("score", listed, "--metric", "euclidean", "--by", "wether")
    assert result.exit_code == 2
    assert "no tracklet has the attribute 'wether'" in result.stderr
    assert (
        "; did you mean weather? Known: outfit, place, scale, weather; in a file it is attribute.wether"
        in result.stderr
    )


def test_conventions_show_every_rule_in_words(cli, cli_json, tmp_path):
    text = cli("conventions", "show", "clothes-changing").output
    assert "has another outfit than the query; the person's other tracklets take no rank" in text
    assert json.dumps(cli_json("conventions", "show", "clothes-changing")["match"]) == '[["outfit", "other"]]'
    rules = tmp_path / "night.toml"
    rules.write_text(
        'average_precision = "trapezoid"\nunmatched = "zero"\nqueries_in_gallery = false\nsame_camera = "match"\n'
        'query = [["platform", ["air"]]]\ngallery = [["platform", ["ground", "hand"]]]\nleast_frames = 12\ncut = 20\n'
    )
    shown = cli("conventions", "show", rules).output
    for words in (
        "only those whose platform is ground or hand",
        "only those of 12 frames or more",
        "a match behind rank 20 counts as never found",
        "without the query tracklets",
        "is a match, too",
        "counts with an average precision of 0",
        "trapezoid:",
    ):
        assert words in shown


def test_a_runs_store_has_the_attributes_of_its_tracklets(cli_json, tmp_path):
    """So that its features can be scored under other rules later."""
    split = Split(
        (),
        tuple(
            Tracklet((f"{row}.jpg",), pid, camid, (("outfit", outfit), ("weather", "sun")))
            for row, (pid, camid, outfit, *_) in enumerate([QUERY, *GALLERY])
        ),
        (0,),
        tuple(range(1, 1 + len(GALLERY))),
    )
    vectors = torch.arange(float(len(split.test)))[:, None].expand(-1, 2).contiguous()
    store = FeatureStore(vectors, torch.ones(len(split.test)), (1,) * len(split.test))
    path = tmp_path / "features.safetensors"
    store.save(path, split, Mean("euclidean"), "made by this test")
    arguments = ("score", "--features", path, "--convention", "general", "--convention", "clothes-changing")
    report = cli_json(*arguments, "--by", "weather")
    scores = report["conventions"]
    assert scores["clothes-changing"]["mAP"] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert scores["general"]["mAP"] == pytest.approx((1 / 2 + 2 / 3 + 3 / 5) / 3)
    assert scores["general"]["by"]["weather"][0]["queries"] == 1


def test_a_convention_is_printed_as_the_file_that_score_takes(cli, tmp_path):
    """Under its own name, and with its own version, the file is the same convention."""
    odd = mode(
        'a "b"', gallery=(Having("place \x7f\u00e9", ('"quoted" \\', "\n")),), least_frames=8, cut=20, ties="expected"
    )
    for rule in (*Registry.installed().values("conventions").values(), odd):
        path = tmp_path / "same.toml"
        path.write_text(to_toml(rule), encoding="utf-8")
        prose = {name: getattr(rule, name) for name in ("name", "version", "summary", "source")}
        assert replace(read_convention(path), **prose) == rule
    shown = tmp_path / "clothes-changing.toml"
    shown.write_text(cli("conventions", "show", "clothes-changing", "--toml").output)
    assert "has another outfit" in cli("conventions", "show", shown).output
    assert cli("conventions", "show", "torchreid", "--toml", "--json").exit_code == 2


def score_by(cli, listed, **rules):
    """The end of the line that scoring by files of these rules, each by name, gives."""
    given = []
    for name, rule in rules.items():
        path = listed.parent / f"{name}.toml"
        path.write_text(f'average_precision = "step"\nunmatched = "skip"\n{rule}\n')
        given += ["--convention", path]
    return cli("score", listed, "--metric", "euclidean", *given)


def test_a_convention_for_what_no_tracklet_has_is_told_what_they_have(cli, listed):
    outdoors = 'query = [["place", ["OUT"]]]'
    for rule, words in (
        ('match = [["weathr", "other"]]', "'weathr'; did you mean weather? Known: outfit, place, scale, weather"),
        ('gallery = [["light", ["day"]]]', "no tracklet has the attribute 'light'; known: outfit, place, scale, wea"),
        (outdoors, "no query has place OUT, only in; correct the convention, or the labels"),
        ('gallery = [["weather", ["snow", "hail"]]]', "no gallery item has weather snow or hail, only rain, sun; "),
    ):
        refused = score_by(cli, listed, rules=rule)
        assert refused.exit_code == 2
        assert "rules: not computable, " in refused.stderr
        assert words in refused.stderr
    both = score_by(cli, listed, first=outdoors, second='match = [["light", "other"]]', third="least_frames = 9")
    assert [f"{name}: not computable" in both.stderr for name in ("first", "second", "third")] == [True] * 3
    beside = score_by(cli, listed, known="", unknown=outdoors)
    assert "unknown: not computable, no query has place OUT, only in" in beside.output
    assert beside.exit_code == 0


def test_an_empty_side_that_a_convention_counts_is_scored(cli_json, listed, tmp_path):
    path = tmp_path / "zero.toml"
    path.write_text('average_precision = "step"\nunmatched = "zero"\ngallery = [["weather", ["snow"]]]\n')
    assert cli_json("score", listed, "--metric", "euclidean", "--convention", path)["conventions"]["zero"]["mAP"] == 0

"""Which rule moved the scores: every single change against a ranking scored under it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from edited_run import allow_edits
from judged_run import write_judged_run
from oracle import by_hand, labels

from vreid_bench.contracts.convention import Convention, Having
from vreid_bench.records.npz import to_npz
from vreid_bench.records.record import Record
from vreid_bench.scoring.conventions import CONVENTIONS
from vreid_bench.system.fingerprint import digest

HEAD, OFFICIAL, TORCHREID = CONVENTIONS[:3]


def split(seed):
    """Labels in which everybody has matches, and distances."""
    random = np.random.default_rng(seed)
    who = labels(np.tile([1, 2, 3, 4, 0], 6), np.repeat([1, 2, 3], 10), [0, 1, 2, 3, 13], np.arange(30))
    return who, random.standard_normal((5, 30))


SPLITS = [split(0), split(1)]


@pytest.fixture
def run(tmp_path):
    """The folder of a finished run over two splits."""
    return write_judged_run(tmp_path, SPLITS, CONVENTIONS[:3])


def means(rule, splits=SPLITS):
    """mAP and R1 over the splits, by the loop."""
    columns = [np.array(by_hand(distances, who, rule)) for who, distances in splits]
    return tuple(float(np.mean([f(c[~np.isnan(c[:, 0])]) for c in columns])) for f in (_map, _r1))


def _map(columns):
    return columns[:, 0].mean()


def _r1(columns):
    return (columns[:, 1] == 0).mean()


def test_every_change_is_the_difference_that_it_makes_alone(cli_json, run):
    found = cli_json("conventions", "diff", run)
    assert found["headline"] == HEAD.name
    assert set(found["conventions"]) == {"official", "torchreid"}
    rules = {
        "average precision: step -> trapezoid": Convention("x", "1", True, "trapezoid", "skip", "", ""),
        "unmatched: skip -> error": HEAD,
        "queries in gallery: yes -> no": TORCHREID,
    }
    for name, other in (("official", OFFICIAL), ("torchreid", TORCHREID)):
        for change in found["conventions"][name]:
            rule = rules.get(change["rule"], other)
            expected = np.subtract(means(rule), means(HEAD))
            assert (change["mAP"], change["R1"]) == pytest.approx(expected, abs=1e-12), change
    assert [c["rule"] for c in found["conventions"]["official"]][-1] == "all"


def test_which_tracklets_take_part_is_one_rule(cli, cli_json, tmp_path):
    """A run has no ranks of a mixture of two conventions' queries and galleries; every tracklet tells its zone."""
    who, distances = split(0)
    who = replace(who, attributes={"zone": np.tile(["gate", "yard", "yard"], 10)}, frames=np.tile([9, 3, 9], 10))
    rule = {"queries_in_gallery": False, "average_precision": "trapezoid", "gallery": (Having("zone", ("yard",)),)}
    yard = replace(HEAD, name="yard", **rule)
    rules = [HEAD, replace(yard, name="gate-yard", query=(Having("zone", ("gate",)),)), replace(yard, least_frames=5)]
    run = write_judged_run(tmp_path, [(who, distances)], rules)
    for other, words in (
        (rules[1], "query: any -> zone gate; gallery: any -> zone yard"),
        (rules[2], "gallery: any -> zone yard; least frames: none -> 5"),
    ):
        effects = {e["rule"]: e for e in cli_json("conventions", "diff", run)["conventions"][other.name]}
        assert set(effects) == {words, "queries in gallery: yes -> no", "average precision: step -> trapezoid", "all"}
        alone = replace(HEAD, query=other.query, gallery=other.gallery, least_frames=other.least_frames)
        for name, changed in ((words, alone), ("all", other)):
            expected = np.subtract(means(changed, [(who, distances)]), means(HEAD, [(who, distances)]))
            assert (effects[name]["mAP"], effects[name]["R1"]) == pytest.approx(expected, abs=1e-12)
    assert "not computable" not in cli("conventions", "diff", run).output


def test_a_mixture_of_rules_that_cannot_be_applied_says_why(cli, run):
    arrays = dict(np.load(run / "per_query.npz"))
    kept = arrays["match.query"] != 0  # query 0 has lost its matches
    for name in ("query", "group", "before"):
        arrays[f"match.{name}"] = arrays[f"match.{name}"][kept]
    (run / "per_query.npz").write_bytes(to_npz(arrays))
    output = cli("conventions", "diff", run).output
    assert "not computable, query 0 has no match in the gallery, which this convention forbids" in output
    assert "average precision: step -> trapezoid" in output


@pytest.mark.parametrize("rule", [{"average_precision": "interpolated"}, {"weather": "rain"}])
def test_rules_of_another_version_are_refused(cli, run, rule):
    fields = json.loads((run / "record.json").read_bytes())
    rules = fields["conventions"]["official"]["rules"] | rule
    fields["conventions"]["official"] |= {"rules": rules, "fingerprint": digest(rules)}
    (run / "record.json").write_bytes(Record.of(fields).to_json())
    allow_edits(run)
    done = cli("conventions", "diff", run)
    assert done.exit_code == 2
    assert "record.json: has rules of 'official' that this version does not know" in done.stderr


def test_a_folder_without_ranks_is_refused(cli, run, tmp_path):
    arrays = dict(np.load(run / "per_query.npz"))
    del arrays["in_gallery"]
    (run / "per_query.npz").write_bytes(to_npz(arrays))
    result = cli("conventions", "diff", run)
    assert (result.exit_code, "has no array 'in_gallery'" in result.stderr) == (2, True)
    result = cli("conventions", "diff", tmp_path / "nowhere")
    assert (result.exit_code, "nowhere: not a finished run" in result.stderr) == (2, True)

"""The five tables of BUPTCampus against its evaluation in words, on a thousand random worlds counted as in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from vreid_bench import Convention, InputError, Split, Tracklet
from vreid_bench.scoring import conventions
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.buptcampus import reader

KNOWN = {**conventions.vreid_conventions(), **reader.vreid_conventions()}
# name -> the modality of who asks, and of who is ranked; None for any
TABLES = {
    "cameras-ignored": (None, None),
    "rgb-to-rgb-cameras-ignored": ("RGB", "RGB"),
    "rgb-to-ir-cameras-ignored": ("RGB", "IR"),
    "ir-to-rgb-cameras-ignored": ("IR", "RGB"),
    "ir-to-ir-cameras-ignored": ("IR", "IR"),
}


def draw_world(random: np.random.Generator) -> tuple[Split, np.ndarray]:
    """Queries, then a gallery apart; equal distances are frequent, and now and then a modality is not known."""
    queries, ranked = int(random.integers(1, 7)), int(random.integers(1, 14))
    shares = [0.5, 0.5, 0.0] if random.random() < 0.8 else [0.45, 0.45, 0.1]
    test = []
    for row in range(queries + ranked):
        modality = str(random.choice(["RGB", "IR", ""], p=shares))
        told = (("modality", modality),) if modality else ()
        test.append(Tracklet((f"{row}.jpg",), int(random.integers(1, 5)), int(random.integers(0, 3)), told))
    distances = random.integers(0, 6, (queries, ranked)).astype(np.float32)
    split = Split((), tuple(test), tuple(range(queries)), tuple(range(queries, queries + ranked)))
    return split, distances


def table_in_words(
    split: Split, distances: np.ndarray, asked: str | None, ranked: str | None, cut: int
) -> list[tuple[float, int]]:
    """AP and first rank of each query; (nan, -1) for one that does not ask or finds nobody.

    Only the person decides: a tracklet of the query's camera is a match as any other.
    """
    found = []
    for query, row in zip(split.query, distances.tolist(), strict=True):
        who, precision, first = split.test[query], [], -1
        order = sorted(range(len(row)), key=lambda place: (row[place], place))
        shown = [split.test[split.gallery[place]] for place in order]
        shown = [t for t in shown if ranked in (None, t.attribute("modality"))]
        hits = [t.pid == who.pid for t in shown]
        if asked not in (None, who.attribute("modality")) or not any(hits):
            found.append((np.nan, -1))
            continue
        for rank, hit in enumerate(hits[: cut or len(hits)], start=1):
            if hit:
                precision.append(sum(hits[:rank]) / rank)
                first = first if first >= 0 else rank - 1
        found.append((sum(precision) / min(sum(hits), cut or len(hits)), first))
    return found


def rules(cut: int) -> Sequence[Convention]:
    return [replace(KNOWN[name], cut=cut) for name in TABLES]


@pytest.mark.slow
def test_a_thousand_worlds_agree_with_the_evaluation_in_words() -> None:
    random = np.random.default_rng(26)
    compared = refused = 0
    for _ in range(1000):
        split, distances = draw_world(random)
        cut = int(random.choice([0, 0, 0, 1, 3]))
        who = Labels.of(split).for_conventions(rules(cut))
        counts = count_from_distances([(slice(None), distances)], who)
        told = all(t.attribute("modality") for t in split.test)
        for rule in rules(cut):
            expected = table_in_words(split, distances, *TABLES[rule.name], cut)
            nobody = all(np.isnan(average) for average, _ in expected)
            if nobody or (not told and rule.query):
                # a value that only one side lacks may not be asked of the other: what is refused is checked here
                sides = ((rule.query, split.query), (rule.gallery, split.gallery))
                lacking = any(
                    not split.test[row].attribute("modality") for having, rows in sides if having for row in rows
                )
                assert nobody or lacking
                with pytest.raises(InputError):
                    judge(counts, [rule])
                refused += 1
                continue
            got = judge(counts, [rule])[rule.name]
            np.testing.assert_allclose(got.average_precision, [average for average, _ in expected], rtol=1e-12)
            np.testing.assert_array_equal(got.first_rank, [first for _, first in expected])
            compared += 1
    assert compared > 2000
    assert refused > 500


def test_what_no_pair_scores_is_scored_by_all_together() -> None:
    """A camera and a modality that the query shares with its match, or does not: only the person counts."""
    for camera in (0, 1):
        for modality in ("RGB", "IR"):
            test = (
                Tracklet(("q.jpg",), 1, 0, (("modality", "RGB"),)),
                Tracklet(("g.jpg",), 1, camera, (("modality", modality),)),
            )
            split = Split((), test, (0,), (1,))
            who = Labels.of(split).for_conventions(rules(0))
            counts = count_from_distances([(slice(None), np.zeros((1, 1), np.float32))], who)
            pair = f"rgb-to-{modality.lower()}-cameras-ignored"
            for name in ("cameras-ignored", pair):
                assert judge(counts, [KNOWN[name]])[name].metrics()["mAP"] == 1

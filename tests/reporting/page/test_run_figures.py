"""The figures of a run: their numbers against slow loops and cases by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from vreid_bench.records.per_query import QueryScores
from vreid_bench.reporting.page.run_data import Training
from vreid_bench.reporting.page.run_figures import (
    DRAWS,
    bound_cmc,
    draw_cameras,
    draw_cmc,
    draw_people,
    draw_precision,
)
from vreid_bench.reporting.page.svg import embed_figure
from vreid_bench.reporting.page.training_figures import draw_training, start_stages

NAN = float("nan")


def made(precision, first, pids, splits=None, pairs=None):
    queries = SimpleNamespace(pid=np.array(pids), split=np.array(splits if splits else [0] * len(pids)))
    scores = QueryScores(np.array(precision, float), np.array(first))
    rankings = len(set(queries.split.tolist()))
    curve = np.mean([scores.select(queries.split == n).cmc(50) for n in np.unique(queries.split)], 0).tolist()
    record = SimpleNamespace(conventions={"c": SimpleNamespace(cmc=curve)})
    return SimpleNamespace(
        queries=queries,
        scores=scores,
        rankings=rankings,
        record=record,
        headline="c",
        breakdown={"camera_pairs": pairs or {}},
        trainings=(),
    )


def draw_queries(people=12, splits=2, seed=0):
    random = np.random.default_rng(seed)
    size = people * splits * 3
    pids, numbers = np.repeat(np.arange(1, people + 1), splits * 3), np.tile(np.repeat(np.arange(splits), 3), people)
    precision = random.uniform(size=size)
    precision[random.uniform(size=size) < 0.1] = NAN
    return made(precision, random.integers(-1, 60, size).tolist(), pids.tolist(), numbers.tolist())


def test_the_band_is_that_of_a_loop_over_draws_of_people():
    run = draw_queries()
    low, high = bound_cmc(run)
    queries, scores = run.queries, run.scores
    people = np.unique(queries.pid[~np.isnan(scores.average_precision)])
    draws = np.random.default_rng(0).integers(len(people), size=(DRAWS, len(people)))
    for rank in (1, 7, 50):
        hits = scores.hits(rank)
        means = []
        for draw in draws:
            of_splits = []
            for split in (0, 1):
                rows = [np.flatnonzero((queries.pid == people[p]) & (queries.split == split)) for p in draw]
                values = hits[np.concatenate(rows)]
                of_splits.append(np.nanmean(values))
            means.append(np.mean(of_splits))
        expected = np.quantile(means, [0.025, 0.975])
        assert (low[rank - 1], high[rank - 1]) == pytest.approx(tuple(expected))
    assert (low <= np.array(run.record.conventions["c"].cmc)).all()
    assert (np.diff(low) >= 0).all()


def test_few_people_have_no_band():
    run = draw_queries(people=9)
    assert bound_cmc(run) is None
    figure = draw_cmc(run)
    assert "draws of people" not in figure.caption
    assert "1,000 draws" in draw_cmc(draw_queries()).caption


def test_a_record_without_a_curve_has_no_figure_of_it():
    run = draw_queries()
    run.record.conventions["c"].cmc = None
    assert draw_cmc(run) is None


def test_the_histogram_counts_the_queries_that_count():
    found = draw_precision(made([1.0, 1.0, 0.05, NAN, 0.5], [0, 0, 9, -1, 1], [1, 2, 3, 4, 5]))
    heights = [patch.get_height() for patch in found.figure.axes[0].patches]
    assert sum(heights) == pytest.approx(100)
    assert (heights[1], heights[10], heights[-1]) == (25, 25, 50)
    assert "50.0 % of 4 queries rank all their matches first, and 25.0 % stay below 10 %" in found.caption


def test_people_are_in_order_of_the_mean_over_their_queries():
    found = draw_people(made([0.2, 0.4, 0.9, NAN, 0.05], [0] * 5, [7, 7, 1, 1, 3], [0, 1, 0, 1, 0]))
    values = [patch.get_data().values.tolist() for patch in found.figure.axes[0].patches]
    assert values[0] == pytest.approx([5, 30, 90])
    assert "1 of 3 people stay below 10 %" in found.caption
    assert draw_people(made([0.2], [0], [7])) is None


def test_a_map_of_cameras_has_only_those_that_ask_and_are_seen():
    pairs = {"cameras": ["A", "B<i>", "C"], "mAP": [[None, 0.5, 1.0], [None] * 3, [None, 0.25, None]]}
    found = draw_cameras(made([1.0], [0], [1], pairs=pairs))
    axes = found.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A", "C"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["B<i>", "C"]
    assert [text.get_text() for text in axes.texts] == ["50", "100", "25"]
    assert "easiest from A to C, 100.0 %; hardest from C to B<i>, 25.0 %" in found.description
    svg = str(embed_figure(found.figure, found.name, found.description))
    assert "<i>" not in svg
    assert "<image" not in svg  # a page without pictures shows none, not even that of a colour bar


@pytest.mark.parametrize(
    "pairs", [{}, {"cameras": ["A"], "mAP": [[1.0]]}, {"cameras": ["A", "B"], "mAP": [[None] * 2] * 2}]
)
def test_without_pairs_there_is_no_map(pairs):
    assert draw_cameras(made([1.0], [0], [1], pairs=pairs)) is None


def test_many_cameras_have_no_numbers_on_their_map():
    names = [f"c{n}" for n in range(20)]
    pairs = {"cameras": names, "mAP": np.random.default_rng(0).uniform(size=(20, 20)).tolist()}
    assert len(draw_cameras(made([1.0], [0], [1], pairs=pairs)).figure.axes[0].texts) == 0


def lines(stage, *steps, **values):
    return [{"stage": stage, "step": step, "rate": 0.1, "loss": 1.0 + step, **values} for step in steps]


def test_a_stage_begins_as_many_steps_after_the_last_line_as_lie_between_two():
    assert start_stages(lines(0, 0, 10, 20) + lines(2, 0, 5) + lines(3, 0)) == {0: 0, 2: 30, 3: 40}
    assert start_stages([]) == {}


def test_losses_of_each_stage_are_drawn_over_all_steps():
    logged = tuple(lines(0, 0, 10, triplet=0.5) + lines(1, 0, 10, triplet=0.2, softmax=0.1))
    run = SimpleNamespace(trainings=(Training(0, False, logged, ()),))
    [found] = draw_training(run)
    drawn = {line.get_label(): line.get_xydata().tolist() for line in found.figure.axes[0].lines}
    assert drawn["their weighted sum"] == [[0, 1], [10, 11], [20, 1], [30, 11]]
    assert drawn["triplet"] == [[0, 0.5], [10, 0.5], [20, 0.2], [30, 0.2]]
    assert drawn["softmax"] == [[20, 0.1], [30, 0.1]]
    assert "A broken line begins a stage." in found.caption


def test_each_split_and_an_earlier_training_have_their_lines():
    one, other = tuple(lines(0, 0, 10)), tuple(lines(0, 0, 10))
    scored = ({"stage": 0, "step": 9, "validation.steps": 10, "validation.mAP": 0.25, "validation.R1": 0.5},)
    run = SimpleNamespace(
        trainings=(Training(0, True, one, ()), Training(0, False, one, scored), Training(1, False, other, scored))
    )
    names = [each.name for each in draw_training(run)]
    assert names == ["loss-first", "loss", "validation"]
    loss, validation = draw_training(run)[1:]
    assert len(loss.figure.axes[0].lines) == 2
    assert [line.get_ydata()[0] for line in validation.figure.axes[0].lines] == [25, 25, 50, 50]
    assert "mAP 25.0 %" in validation.description


def test_a_run_without_a_log_has_no_figure_of_a_training():
    assert draw_training(SimpleNamespace(trainings=())) == []

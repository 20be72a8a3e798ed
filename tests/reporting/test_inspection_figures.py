"""The figures of inspections: what stands in them, hostile names, and the numbers that they are drawn from."""

import builtins
import re

import numpy as np
import pytest
from markupsafe import escape

from vreid_bench import InputError
from vreid_bench.evaluation.inspections import INSPECTIONS
from vreid_bench.reporting.inspection import canvas, pairs, projection, weights
from vreid_bench.reporting.inspection_figures import DRAW, draw_inspection
from vreid_bench.reporting.page.svg import save_figure

COUNTS = (2, 3)
S, T, H, W = sum(COUNTS), 4, 16, 8
HOSTILE = r"$\frac{1}{0}$ <script>&\textbf{x}"
COMPARED = 40  # pairs of clips


def make_arrays(what, *, images=True, truth=True, name="7"):
    """Random arrays with the shapes of docs/inspect.md: two tracklets of different people."""
    random = np.random.default_rng(0)

    def draw(*shape):
        return random.random(shape, np.float32)

    arrays = {
        "row": np.array([3, 5]),
        "pid": np.array([7, 8]),
        "camid": np.array([1, 2]),
        "person": np.array([name, "8"]),
        "camera": np.array(["C1", "C2"]),
        "tracklet": np.array(["a.jpg", "b.jpg"]),
        "counts": np.array(COUNTS),
        "frames": np.arange(S * T).reshape(S, T),
    }
    own = {
        "cmc": {"rank": np.arange(1, 51), "split": np.arange(2)}
        | {f"{name}.splits": np.sort(draw(2, 50)), f"{name}.cmc": np.sort(draw(50))},
        "validation": {"split": np.array([0, 0, 1, 1]), "stage": np.array([0, 1, 0, 1]), "mAP": draw(4)}
        | {"steps": np.array([5, 10, 5, 10]), "R1": draw(4)},
        "embeddings": {"embedding": draw(2, 6)},
        "clip-embeddings": {"embedding": draw(S, 6)},
        "frame-embeddings": {"embedding": draw(S, 2, 6)},
        "clip-weights": {"weight": draw(S)},
        "frame-attention": {"attention": draw(S, 2)},
        "part-maps": {"part_map": draw(S, 3, 2, 4, 2)},
        "responses": {f"response.{name}": draw(S, 4, 5, 8, 4), "response.conv2": draw(S, 2, 5, 4, 2)},
        "saliency": {"saliency": draw(S, 2, 4, 2)},
        "pixels": {"spoiled": random.integers(0, 256, (S, T, H, W, 3), np.uint8)},
        "visibility": {"visibility": draw(S, T)},
        "pairs": {"similarity": draw(2, 3), "importance": draw(2, 3), "distance": draw()},
        "pair-scores": {"match": np.arange(COMPARED) % 2 == 0, "query": np.zeros(COMPARED, np.int64)}
        | {"gallery": np.arange(COMPARED) // 4, "query_clip": np.arange(COMPARED) % 4 // 2}
        | {"gallery_clip": np.arange(COMPARED) % 2, "similarity": draw(COMPARED), "importance": draw(COMPARED)},
    }
    arrays |= own[what]
    if images and ("pixels" in INSPECTIONS[what].beside or what == "pixels"):
        arrays["pixels"] = random.integers(0, 256, (S, T, H, W, 3), np.uint8)
    if truth and "visibility" in INSPECTIONS[what].beside:
        arrays["visibility"] = draw(S, T)
    if what == "embeddings":  # too few for a map
        arrays |= {key: np.repeat(value, 4, axis=0) for key, value in arrays.items() if key != "frames"}
        del arrays["counts"], arrays["frames"]
    return arrays


def test_every_inspection_has_a_figure():
    assert DRAW.keys() == INSPECTIONS.keys()
    with pytest.raises(InputError, match="poems: is drawn by no figure; expected one of cmc, validation, "):
        draw_inspection("poems", {})


@pytest.mark.parametrize("what", DRAW)
@pytest.mark.parametrize("beside", [True, False])
def test_a_hostile_name_is_text_in_every_figure(what, beside):
    arrays = make_arrays(what, images=beside or what == "pixels", truth=beside, name=HOSTILE + "\n\x1b[31m")
    svg = save_figure(draw_inspection(what, arrays), "svg").decode()
    assert "<script" not in svg
    assert "\x1b" not in svg
    named = what not in ("validation", "pair-scores")  # these name nobody
    assert (str(escape(r"$\frac{1}{0}$ <script>")).replace("&#34;", '"') in svg) == named


@pytest.mark.parametrize("what", DRAW)
def test_the_same_arrays_give_the_same_bytes(what):
    one, two = (save_figure(draw_inspection(what, make_arrays(what)), "svg") for _ in range(2))
    assert one == two


@pytest.mark.parametrize("what", sorted(name for name, each in INSPECTIONS.items() if "pixels" in each.beside))
def test_frames_are_shown_only_where_they_are_given(what):
    with_frames, without = (
        len(draw_inspection(what, make_arrays(what, images=images)).axes[0].images) for images in (True, False)
    )
    assert with_frames > without


def test_the_most_and_the_least_important_pairs_are_those_of_a_slow_sort():
    arrays = make_arrays("pairs")
    every = [(a, b) for a in range(2) for b in range(3) if (a, b) != (0, 0)]  # the first is not learned
    assert pairs.rank_pairs(arrays) == sorted(every, key=lambda pair: -arrays["importance"][pair])
    top = arrays | {"importance": np.array([[0, 1, 0], [1, 0, 0]], np.float32)}
    found = pairs.rank_pairs(top)
    assert len(found) == 6
    assert found == sorted(found, key=lambda pair: (-top["importance"][pair], -top["similarity"][pair]))


def test_the_pairs_in_the_figure_are_named_with_their_scores():
    arrays = make_arrays("pairs")
    svg = save_figure(draw_inspection("pairs", arrays), "svg").decode()
    best, worst = pairs.rank_pairs(arrays)[0], pairs.rank_pairs(arrays)[-1]
    for which, pair in (("most", best), ("least", worst)):
        clips = f"{which} important: clips {pair[0] + 1} and {pair[1] + 1}"
        scores = f"importance {arrays['importance'][pair]:.2f}, similarity {arrays['similarity'][pair]:.2f}"
        assert f"{clips}, {scores}" in svg
    assert f"similarity {1 - arrays['distance']:.2f}, different people" in svg
    junk = save_figure(draw_inspection("pairs", arrays | {"pid": np.array([-1, -1])}), "svg").decode()
    assert "the same person" not in junk


def test_importance_is_compared_with_the_mean_of_its_two_tracklets():
    arrays = make_arrays("pair-scores")
    share, shown = pairs.compare_importance(arrays)
    for gallery in range(COMPARED // 4):
        mine = [at for at in range(COMPARED) if arrays["gallery"][at] == gallery]
        learned = [at for at in mine if (arrays["query_clip"][at], arrays["gallery_clip"][at]) != (0, 0)]
        mean = sum(float(arrays["importance"][at]) for at in learned) / len(learned)
        for at in mine:
            assert shown[at] == (at in learned)
            assert share[at] == pytest.approx(arrays["importance"][at] / mean)
    chosen = arrays | {"importance": (arrays["importance"] > 0.5).astype(np.float32)}
    assert pairs.compare_importance(chosen)[1].all()  # nothing is set where pairs are chosen


def test_levels_are_thirds_of_the_range():
    assert weights.rate_levels(np.array([1.0, 1.9, 2.1, 3.9, 4.0])).tolist() == [0, 0, 1, 2, 2]
    assert weights.rate_levels(np.array([2.0, 2.0])).tolist() == [1, 1]


def test_maps_stand_at_the_middle_of_their_frames():
    assert canvas.match_frames(2, 8) == [2, 6]
    assert canvas.match_frames(4, 4) == [0, 1, 2, 3]
    assert canvas.match_frames(1, 1) == [0]
    assert canvas.spread(10, 3) == [1, 5, 8]
    assert canvas.spread(2, 5) == [0, 1]


def test_heat_is_low_to_high_and_grey_below_it():
    frame = np.full((8, 4, 3), 200, np.uint8)
    frame[..., 0] = 140
    plain, over = (canvas.heat(np.array([[0.0, 1.0]]), 0, 1, f) for f in (None, frame))
    low, high = plain[0]
    assert low.sum() < high.sum()
    assert over.shape == frame.shape
    grey = frame[0, 0].mean() / 255
    np.testing.assert_allclose(over[0, 0], 0.9 * grey + 0.1 * low, atol=1e-6)
    np.testing.assert_allclose(over[0, -1], 0.25 * grey + 0.75 * high, atol=1e-6)


def test_a_map_of_embeddings_tells_people_apart_by_colour_and_marker():
    random = np.random.default_rng(1)
    people, each = 14, 6
    pids = np.repeat(np.arange(people), each)  # 0 is a distractor
    pids = np.append(pids, [3, 3])  # so that one person has the most
    centres = 20 * random.normal(size=(people, 5))
    arrays = {"pid": pids, "person": pids.astype(str), "embedding": centres[pids] + random.normal(size=(len(pids), 5))}
    assert projection.choose_people(pids) == list(range(1, 11))
    figure = draw_inspection("embeddings", arrays)
    [axes] = figure.axes
    styles = {(line.get_color(), line.get_marker()) for line in axes.lines}
    assert len(styles) == len(axes.lines) == 11
    assert axes.get_xlabel() == "t-SNE of 86 tracklets, 13 people, perplexity 28.3, seed 0"
    assert [text.get_text() for text in axes.get_legend().get_texts()][:4] == ["others", "1 (6)", "2 (6)", "3 (8)"]
    made = np.concatenate([line.get_xydata() for line in axes.lines[1:]])
    owner = np.concatenate([[n] * len(line.get_xydata()) for n, line in enumerate(axes.lines[1:])])
    distance = np.linalg.norm(made[:, None] - made[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (owner[distance.argmin(1)] == owner).mean() > 0.95  # what is near stays near


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    usual = builtins.__import__

    def refuse(name, *arguments, **options):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return usual(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InputError, match=re.escape("needs scikit-learn; install it with pip install 'vreid-bench[fig")):
        draw_inspection("embeddings", make_arrays("embeddings"))


def test_few_vectors_are_no_map():
    with pytest.raises(InputError, match="found 2 vector"):
        projection.project(np.zeros((2, 3)))


def test_many_clips_are_cut_to_those_that_can_be_seen():
    arrays = make_arrays("frame-attention")
    arrays |= {key: np.repeat(arrays[key], 20, axis=0) for key in ("attention", "frames", "pixels", "visibility")}
    arrays["counts"] = np.array([40, 60])
    figure = draw_inspection("frame-attention", arrays)
    assert len(figure.axes[0].images) == 2 * weights.WHOLE * T
    assert ">clip 37<" in save_figure(figure, "svg").decode()


@pytest.mark.parametrize("counts", [(1, 1), (1, 70)])
@pytest.mark.parametrize(("T", "t"), [(1, 1), (32, 32), (32, 2)])
@pytest.mark.parametrize("what", ["clip-weights", "frame-attention", "part-maps", "responses", "saliency", "pairs"])
def test_one_clip_of_one_frame_and_many_long_ones_fit(what, counts, T, t):
    total = sum(counts)
    arrays = make_arrays(what) | {"counts": np.array(counts), "frames": np.zeros((total, T), np.int64)}
    sizes = {
        "weight": (total,),
        "attention": (total, t),
        "part_map": (total, 3, t, 4, 2),
        "response.conv2": (total, t, 5, 4, 2),
        "saliency": (total, t, 4, 2),
        "visibility": (total, T),
        "pixels": (total, T, H, W, 3),
        "similarity": counts,
        "importance": counts,
    }
    arrays = {name: np.resize(array, sizes.get(name, array.shape)) for name, array in arrays.items()}
    figure = draw_inspection(what, arrays)
    assert max(figure.get_size_inches()) < 12
    edge = figure.get_size_inches()[0]
    assert all(image.get_extent()[1] <= edge for image in figure.axes[0].images)

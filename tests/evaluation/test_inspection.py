"""The numbers behind figures: against slow loops, forwards by hand, and the files of a run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from doc_tables import check_arrays, table
from PIL import Image
from places import ROOT
from torch.nn import functional as F

from vreid_bench import Clipping, Corruption, InputError, Split, Tracklet, part
from vreid_bench.evaluation.collectors import COLLECT
from vreid_bench.evaluation.inspection import InspectionRequest, check_tracklets, find_rows, list_offers
from vreid_bench.evaluation.inspections import INSPECTIONS
from vreid_bench.evaluation.pair_scores import choose_comparisons, choose_queries
from vreid_bench.evaluation.saliency import explain
from vreid_bench.evaluation.subject import CLIPLESS, Comparison, Subject, describe_clips, label
from vreid_bench.evaluation.trained_model import TrainedModel
from vreid_bench.modeling.embed import FrameReader
from vreid_bench.modeling.listening import find_layers
from vreid_bench.modeling.model import Model
from vreid_bench.registry.registry import Registry

PAGE = (ROOT / "docs/inspect.md").read_text()
SIZE = (64, 32)
LENGTHS = (4, 6, 3)  # frames of the tracklets


@pytest.fixture(scope="module")
def tracklets(tmp_path_factory):
    """Three tracklets of noise on disk, and the folder."""
    root, random = tmp_path_factory.mktemp("noise"), np.random.default_rng(0)
    found = []
    for person, length in enumerate(LENGTHS, 1):
        frames = [f"{person}-{number}.png" for number in range(length)]
        for name in frames:
            Image.fromarray(random.integers(0, 256, (*SIZE, 3), np.uint8)).save(root / name)
        found.append(Tracklet(tuple(frames), person, person % 2 + 1))
    return root, found


@pytest.fixture(scope="module")
def show(tracklets):
    """Show tracklets to an untrained method at preset `small`, in clips of two frames; returns the subject."""
    root, everyone = tracklets
    registry = Registry.installed()

    def build(name, rows=(0, 1), layers=(), corruption=None, clipping=Clipping("dense", 2), **changes):  # noqa: B008
        method = replace(registry.get("methods", name)("small"), size=SIZE, test=clipping, **changes)
        torch.manual_seed(0)
        model = Model(method, registry.factories(method))
        for parameter in model.parameters():  # zeros, as TACAN's weights start with, would hide a mistake
            if parameter.eq(0).all():
                torch.nn.init.normal_(parameter, std=0.1)
        trained = TrainedModel(model, clipping, FrameReader(root, SIZE, torch.device("cpu"), 1, quiet=True))
        return Subject(trained, [everyone[row] for row in rows], corruption, layers)

    return build


def read(subject):
    """The clips of the tracklets [S, T, 3, H, W], read anew."""
    root = subject.trained.reader.root
    frames = [
        [[np.asarray(Image.open(root / t.frames[i])) for i in clip] for clip in clips]
        for t, clips in zip(subject.tracklets, subject.indices, strict=True)
    ]
    return torch.tensor(np.concatenate([np.array(each) for each in frames])).permute(0, 1, 4, 2, 3) / 255


def features(subject):
    """What the aggregator returns for each clip, and the maps that it was given."""
    with torch.inference_mode():
        maps = subject.model.encoder(read(subject))
        return maps, subject.model.aggregate(maps)


def test_learned_importance_of_pairs_is_that_of_a_loop_over_the_pairs(show):
    """Paper 000, Eq. 1-4 and Fig. 7, with the network as it is written: linear, normalisation, ReLU."""
    subject = show("clip-learned", rows=(0, 1))  # two clips against three
    with torch.no_grad():
        subject.model.matcher.g[0].weight.mul_(1000)  # so that the order of the pairs matters
    found = COLLECT["pairs"](subject)
    _, clips = features(subject)
    f = F.normalize(clips.embedding, dim=1).double()
    g = subject.model.matcher.g.double()
    mean, total, alphas = None, 0.0, []
    with torch.inference_mode():
        for a in (0, 1):
            for b in (2, 3, 4):
                c = f[a] * f[b]
                alpha = 1.0 if mean is None else g((mean - c)[None]).item()
                mean = c if mean is None else (total * mean + alpha * c) / (total + alpha)
                total += alpha
                alphas.append(alpha)
    np.testing.assert_allclose(found["importance"], np.reshape(alphas, (2, 3)), rtol=1e-3)
    np.testing.assert_allclose(found["similarity"], f[:2] @ f[2:].T, rtol=1e-4)
    assert np.std(alphas[1:]) > 0.005  # they differ, or nothing is tested
    weights = found["importance"] / found["importance"].sum()
    assert weights.sum() == pytest.approx(1)
    assert found["distance"] == pytest.approx(1 - (weights * found["similarity"]).sum(), abs=1e-5)
    assert found["distance"] == pytest.approx(1 - mean.sum().item(), abs=1e-5)


@pytest.mark.parametrize(("top", "counted"), [(0.2, 2), (0.5, 3), (1.0, 6)])
def test_the_most_similar_pairs_count(show, top, counted):
    """Paper 000, Eq. 9: the share of six pairs is rounded up."""
    found = COLLECT["pairs"](show("clip-top", matcher=part("top", top=top)))
    best = np.sort(found["similarity"].ravel())[::-1][:counted]
    assert sorted(found["similarity"][found["importance"] == 1]) == sorted(best)
    assert found["importance"].sum() == counted
    assert found["distance"] == pytest.approx(1 - best.mean(), abs=1e-6)


def test_clip_weights_and_attention_are_those_of_tacan(show):
    """Paper 001, Eq. 1 and Fig. 4 and 6."""
    subject = show("tacan", rows=(1, 2))
    weight, attention = COLLECT["clip-weights"](subject)["weight"], COLLECT["frame-attention"](subject)["attention"]
    maps, _ = features(subject)
    tacan = subject.model.aggregator
    with torch.inference_mode():
        expected = tacan.inner.attention(maps)  # [S, T]
        clip = (expected[:, :, None] * maps.mean((3, 4))).mean(1)  # f_C; TACAN divides by T as well
        f = clip @ tacan.weight.weight[0] + tacan.weight.bias
    np.testing.assert_allclose(attention, expected, rtol=1e-4)
    np.testing.assert_allclose(attention.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(weight, f, rtol=1e-4)
    assert weight.std() > 1e-4
    assert attention.shape == (3 + 2, 2)
    where = describe_clips(subject, "clip-weights")
    assert where["counts"].tolist() == [3, 2]
    assert where["frames"].tolist() == [[0, 1], [2, 3], [4, 5], [0, 1], [2, 2]]


@pytest.mark.parametrize("name", ["personvlad", "personvlad-global-pooling"])
def test_part_maps_are_a_convolution_and_a_sigmoid(show, name):
    """Paper 003, Eq. 1 and Fig. 8."""
    subject = show(name, rows=(0,), clipping=Clipping("dense", 4))
    found = COLLECT["part-maps"](subject)["part_map"]
    maps, _ = features(subject)
    detector = subject.model.aggregator.detector
    with torch.inference_mode():
        weight, bias = detector.weight[:, :, 0, 0, 0], detector.bias
        expected = torch.sigmoid(torch.einsum("stdhw,pd->spthw", maps, weight) + bias[:, None, None, None])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_fixed_regions_are_part_maps_too(show):
    found = COLLECT["part-maps"](show("personvlad-stripes"))["part_map"]
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize("name", ["personvlad", "mean-pooling", "ica-alexnet", "ica-inception-v3", "clip-average"])
def test_responses_are_what_each_layer_returns(show, name):
    """Wu et al. 2019, Fig. 5: of networks over frames and over clips. The last maps are the encoder's."""
    subject = show(name, clipping=Clipping("dense", 4), rows=(0,))
    found = COLLECT["responses"](subject)
    encoder, (maps, _) = subject.model.encoder, features(subject)
    assert len(found) > 3
    assert all(array.ndim == 5 and len(array) == 1 for array in found.values())
    seen = {}
    hooks = [
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({f"response.{name}": out}))
        for name, layer in find_layers(encoder).items()
    ]
    with torch.inference_mode():
        encoder(read(subject))
    for hook in hooks:
        hook.remove()
    assert found.keys() == seen.keys()
    for key, out in seen.items():  # of one clip: [T, D, h, w] or [1, D, t, h, w]
        expected = out if out.ndim == 4 else out[0].transpose(0, 1)
        np.testing.assert_allclose(found[key][0], expected, rtol=1e-4, atol=1e-5)
    if name == "mean-pooling":
        np.testing.assert_allclose(list(found.values())[-1], maps, rtol=1e-4, atol=1e-5)


def test_a_layer_can_be_chosen(show):
    whole, one = COLLECT["responses"](show("mean-pooling")), COLLECT["responses"](show("mean-pooling", layers=("bn1",)))
    assert list(one) == ["response.bn1"]
    np.testing.assert_array_equal(one["response.bn1"], whole["response.bn1"])


def test_embeddings_of_tracklets_clips_and_frames(show):
    """Li et al. 2020, Fig. 5, and Isobe et al. 2020, Fig. 3. `mean` ranks the mean of a tracklet's clips."""
    subject = show("mean-pooling", rows=(0, 1, 2))
    maps, clips = features(subject)
    found = {name: COLLECT[name](subject)["embedding"] for name in COLLECT if name.endswith("embeddings")}
    np.testing.assert_allclose(found["clip-embeddings"], clips.embedding, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["frame-embeddings"], maps.mean((3, 4)), rtol=1e-4, atol=1e-6)
    means = [each.mean(0) for each in np.split(found["clip-embeddings"], [2, 5])]
    np.testing.assert_allclose(found["embeddings"], means, rtol=1e-4, atol=1e-6)
    pairs = show("clip-learned")
    each = F.normalize(features(pairs)[1].embedding, dim=1)
    expected = torch.stack([each[:2].mean(0), each[2:].mean(0)])
    np.testing.assert_allclose(COLLECT["embeddings"](pairs)["embedding"], expected, rtol=1e-4, atol=1e-6)


def test_pixels_are_those_on_disk_and_as_the_corruption_spoils_them(show):
    """Matiyali and Sharma 2020, Fig. 5."""
    corruption = Corruption("occlusion", "both", 0.6)
    plain = COLLECT["pixels"](show("mean-pooling"))
    subject = show("mean-pooling", corruption=corruption)
    found = COLLECT["pixels"](subject)
    assert plain.keys() == {"pixels"}
    np.testing.assert_array_equal(found["pixels"], plain["pixels"])
    np.testing.assert_array_equal(found["pixels"], (read(subject) * 255).round().permute(0, 1, 3, 4, 2))
    both = zip(subject.tracklets, np.split(found["pixels"], [2]), strict=True)
    np.testing.assert_array_equal(found["spoiled"], np.concatenate([corruption.spoil(*each) for each in both]))
    assert (found["spoiled"] != found["pixels"]).any()


@pytest.mark.parametrize("name", ["mean-pooling", "ica", "lstm", "tacan"])
def test_saliency_is_that_of_finite_differences(show, name):
    """In float64: all places of a channel of a frame are moved a little up and down together, which gives the sum of
    their slopes; the rest is Grad-CAM as it is printed."""
    subject = show(name)
    found = COLLECT["saliency"](subject)["saliency"]
    maps, clips = features(subject)
    aggregate = subject.model.double().aggregate
    maps, embedding = maps.double(), clips.embedding.double()
    others = [embedding[2:].mean(0)] * 2 + [embedding[:2].mean(0)] * 3
    t, D, h, w = maps.shape[1:]
    step, expected = 1e-6, np.zeros(found.shape)
    with torch.no_grad():
        for clip, other in enumerate(others):
            for frame, d in np.ndindex(t, D):
                move = torch.zeros(t, D, h, w, dtype=torch.float64)
                move[frame, d] = step
                moved = aggregate(torch.stack([maps[clip] + move, maps[clip] - move])).embedding
                up, down = F.cosine_similarity(moved, other[None]).tolist()
                expected[clip, frame] += (up - down) / (2 * step) / (h * w) * maps[clip, frame, d].numpy()
    subject.model.float()
    expected = expected.clip(0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())
    assert (found > 0).any()


def test_saliency_needs_a_gradient(show):
    subject = show("mean-pooling")
    with torch.no_grad():
        maps, clips = features(subject)
    blocked = replace(subject, trained=replace(subject.trained, model=Blocked(subject.model)))
    with pytest.raises(InputError, match=r"saliency: aggregator .* passes no gradient to its maps"):
        explain(blocked, maps[:1].clone(), clips.embedding[0])


class Blocked:
    """A model whose aggregator lets no gradient through."""

    def __init__(self, model):
        self.model, self.titles = model, model.titles

    def aggregate(self, maps):
        return self.model.aggregate(maps.detach())


def test_visibility_is_looked_up_by_the_path_of_each_frame(show):
    subject = show("mean-pooling", rows=(0, 2))
    paths = [path for tracklet in subject.tracklets for path in tracklet.frames]
    subject = replace(subject, truth={path: number / 10 for number, path in enumerate(paths)})
    found = COLLECT["visibility"](subject)["visibility"]
    assert found.tolist() == [[0.0, 0.1], [0.2, 0.3], [0.4, 0.5], [0.6, 0.6]]  # the last clip is filled up


def split_of(pids, camids, query, gallery):
    """A split of tracklets of one frame."""
    tracklets = [Tracklet((f"{row}.png",), pid, camid) for row, (pid, camid) in enumerate(zip(pids, camids))]  # noqa: B905
    return Split((), tuple(tracklets), tuple(query), tuple(gallery))


def test_a_query_is_compared_with_its_matches_and_as_many_others():
    split = split_of([1, 1, 1, 1, 2, 2, 0, -1], [1, 1, 2, 3, 1, 2, 1, 2], [0, 4], range(8))
    convention = Registry.installed().get("conventions", "queries-in-gallery")
    rows, comparisons = choose_comparisons(split, convention, [4, 0, 4])
    assert rows[:2] == [4, 0]
    named = [(rows[each.query], rows[each.gallery], each.match) for each in comparisons]
    matches = [(query, gallery) for query, gallery, match in named if match]
    assert matches == [(4, 5), (0, 2), (0, 3)]  # row 1 is in the camera of row 0
    negatives = {query: [g for q, g, match in named if q == query and not match] for query in (4, 0)}
    assert [len(found) for found in negatives.values()] == [1, 2]
    assert set(negatives[4]) < {0, 1, 2, 3, 6}
    assert set(negatives[0]) < {4, 5, 6}  # the distractor, but not the junk
    assert choose_comparisons(split, convention, [4, 0, 4]) == (rows, comparisons)  # drawn by the row


def test_queries_without_a_match_are_told():
    split = split_of([1, 1, 2], [1, 1, 2], [0], range(3))
    convention = Registry.installed().get("conventions", "queries-in-gallery")
    with pytest.raises(InputError, match="none of these queries has a match"):
        choose_comparisons(split, convention, [0])
    with pytest.raises(InputError, match="--query 2: is a test tracklet but no query of the test"):
        choose_comparisons(split, convention, [2])


@pytest.mark.parametrize(("queries", "rows"), [(3, [0, 1, 2]), (201, list(range(0, 201, 2))[:100])])
def test_a_hundred_queries_are_spread_over_the_test(queries, rows):
    split = split_of(range(1, queries + 1), [1] * queries, range(queries), range(queries))
    found = choose_queries(split)
    assert len(found) == len(rows) == len(set(found))
    assert (found[0], found[-1]) == (0, queries - 1)
    assert all(abs(one - other) <= 2 for one, other in zip(found, rows, strict=True))


@pytest.mark.parametrize("name", ["clip-learned", "clip-top"])
def test_scores_of_many_pairs_are_those_of_each_pair(show, name):
    """Tracklets of 2, 3 and 2 clips, whose padding must not show."""
    everyone = show(name, rows=(0, 1, 2))
    comparisons = [Comparison(0, 1, True), Comparison(0, 2, False), Comparison(2, 1, False)]
    found = COLLECT["pair-scores"](replace(everyone, comparisons=comparisons))
    at = 0
    for query, gallery, match in comparisons:
        pair = COLLECT["pairs"](show(name, rows=(query, gallery)))
        for a, b in np.ndindex(pair["similarity"].shape):
            assert (found["query"][at], found["gallery"][at], found["match"][at]) == (query, gallery, match)
            assert (found["query_clip"][at], found["gallery_clip"][at]) == (a, b)
            for score in ("similarity", "importance"):
                assert found[score][at] == pytest.approx(pair[score][a, b], rel=1e-4)
            at += 1
    assert all(len(column) == at for column in found.values())


def test_clips_of_several_lengths_cannot_be_one_array(show):
    subject = show("mean-pooling", clipping=Clipping("all", 0))
    with pytest.raises(InputError, match=r"the clips of these tracklets have 4 to 6 frames, .* one tracklet at a time"):
        describe_clips(subject, "clip-embeddings")
    assert describe_clips(subject, "embeddings") == {}
    assert COLLECT["embeddings"](subject)["embedding"].shape[0] == 2


def test_labels_are_those_of_the_tracklets(show):
    found = label(show("mean-pooling", rows=(2, 0)), [2, 0])
    assert {name: values.tolist() for name, values in found.items()} == {
        "row": [2, 0],
        "pid": [3, 1],
        "camid": [2, 2],
        "person": ["3", "1"],
        "camera": ["2", "2"],
        "tracklet": ["3-0.png", "1-0.png"],
    }


@pytest.mark.parametrize(
    ("what", "method"),
    [
        ("embeddings", "mean-pooling"),
        ("clip-embeddings", "mean-pooling"),
        ("frame-embeddings", "mean-pooling"),
        ("clip-weights", "tacan"),
        ("frame-attention", "tacan"),
        ("part-maps", "personvlad"),
        ("responses", "mean-pooling"),
        ("pixels", "mean-pooling"),
        ("pairs", "clip-learned"),
        ("pair-scores", "clip-learned"),
        ("saliency", "ica"),
        ("visibility", "mean-pooling"),
    ],
)
def test_every_array_is_on_the_page(show, what, method):
    subject = show(method, corruption=Corruption("occlusion", "both", 0.6), layers=("conv1",) * (what == "responses"))
    truth = {frame: 0.5 for tracklet in subject.tracklets for frame in tracklet.frames}
    subject = replace(subject, truth=truth, comparisons=[Comparison(0, 1, True)])
    found = {**label(subject, [0, 1]), **describe_clips(subject, what), **COLLECT[what](subject)}
    found = {name.replace(".conv1", ".<layer>"): array for name, array in found.items()}
    documented = table(PAGE, "Arrays") | table(PAGE, what)
    for name in ("counts", "frames") if what in CLIPLESS else ():
        del documented[name]
    assert found.keys() == documented.keys()
    check_arrays(found, documented)


def test_everything_that_can_be_asked_for_is_on_the_page():
    for name, (tracklets, *_) in table(PAGE, "The numbers behind figures").items():
        expected = {"nothing": "none", "any tracklets": "all test tracklets", "a pair": "`--query` and `--gallery`"}
        expected |= {"any queries": "`--query`, or 100 queries"}
        assert expected.get(INSPECTIONS[name].takes, "`--query`") in tracklets, name
    assert table(PAGE, "The numbers behind figures").keys() == INSPECTIONS.keys()


ALWAYS = {"embeddings", "clip-embeddings", "frame-embeddings", "responses", "saliency", "pixels"}


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("mean-pooling", set()),
        ("tacan", {"clip-weights", "frame-attention"}),
        ("temporal-attention", {"frame-attention"}),
        ("personvlad", {"part-maps"}),
        ("clip-learned", {"pairs", "pair-scores"}),
        ("clip-top", {"pairs", "pair-scores"}),
    ],
)
def test_a_method_offers_what_its_parts_have(show, method, more):
    assert set(list_offers(show(method).model)) == ALWAYS | more


@pytest.mark.parametrize(
    ("what", "given", "message"),
    [
        ("pairs", {"query": ("1",)}, "--what pairs: expected one --query and one --gallery, got 1 of --query and 0"),
        ("pairs", {"query": ("1", "2"), "gallery": "3"}, "got 2 of --query and 1 of --gallery"),
        ("responses", {}, "expected one --query or more, and no --gallery"),
        ("embeddings", {"gallery": "3"}, "expected no --gallery"),
        ("cmc", {"query": ("3",)}, "expected neither --query nor --gallery"),
        ("cmc", {"split": 1}, "has all splits; leave --split out"),
        ("pixels", {"query": ("3",), "layers": ("conv1",)}, "takes no --layer"),
    ],
)
def test_a_request_names_as_many_tracklets_as_it_needs(what, given, message):
    with pytest.raises(InputError, match=message):
        check_tracklets(InspectionRequest("run", "runs", what, **given))


def test_a_tracklet_is_found_by_row_and_by_name(tracklets):
    _, everyone = tracklets
    request = InspectionRequest("run", "runs", "pairs", ("2",), "1-0.png")
    assert find_rows(request, everyone) == [2, 0]
    assert find_rows(replace(request, query=(), gallery=None), everyone) == [0, 1, 2]
    with pytest.raises(InputError, match="--query 3: is no test tracklet; expected a row number from 0 to 2 or the pa"):
        find_rows(replace(request, query=("3",)), everyone)
    with pytest.raises(InputError, match=r"--query 1-1.png: .*; did you mean 1-0.png"):
        find_rows(replace(request, query=("1-1.png",)), everyone)

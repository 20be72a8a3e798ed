"""XQDA and KISSME against slow loops over pairs, the statements of their papers, and cases worked by hand."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from vreid_bench import Clips, pairwise_distance
from vreid_bench.contracts.parts import ComparesVectors
from vreid_bench.records.record import Record
from vreid_bench.records.weights import load_state, load_weights, save_weights
from vreid_bench.system.errors import InputError
from vreid_plugins.matchers.kissme import Kissme
from vreid_plugins.matchers.mahalanobis import pair_covariances, span
from vreid_plugins.matchers.xqda import Xqda


def crowd(people=8, cameras=2, each=3, width=6, seed=0, noise=0.3):
    """Tracklets [N, E] of people under cameras that each move them alike, with their pids and camids."""
    random = np.random.default_rng(seed)
    pids, camids = (a.ravel() for a in np.mgrid[0:people, 0:cameras].repeat(each, axis=2))
    centre = random.normal(size=(people, width))[pids] + 0.2 * random.normal(size=(cameras, width))[camids]
    return centre + noise * random.normal(size=centre.shape), pids, camids


def fit(matcher, vectors, pids, camids):
    clips = Clips.single(torch.tensor(vectors, dtype=torch.float32))
    matcher.fit(matcher.represent(clips), torch.tensor(pids), torch.tensor(camids))
    return matcher


def distance(matcher, query, gallery):
    sides = (matcher.represent(Clips.single(torch.tensor(side, dtype=torch.float32))) for side in (query, gallery))
    return matcher.distance(*sides).numpy()


@pytest.mark.parametrize("pairs", ["cross-camera", "all"])
def test_covariances_are_those_of_a_loop_over_pairs(pairs):
    vectors, pids, camids = crowd(cameras=3)
    kept = np.random.default_rng(1).permutation(len(pids))[:40]  # uneven numbers, some people in one camera only
    vectors, pids, camids = vectors[kept], pids[kept], camids[kept]
    sums = {True: [], False: []}
    for i, j in combinations(range(len(pids)), 2):
        if pairs == "all" or camids[i] != camids[j]:
            gap = vectors[i] - vectors[j]
            sums[bool(pids[i] == pids[j])].append(np.outer(gap, gap))
    got = pair_covariances(vectors, pids, camids, pairs)
    np.testing.assert_allclose(got.same, np.mean(sums[True], axis=0), rtol=1e-10)
    np.testing.assert_allclose(got.other, np.mean(sums[False], axis=0), rtol=1e-10)


def xqda_of_two_views(x, x_pids, z, z_pids, ridge):
    """The paper's closed form and eigenproblem, S_I^-1 S_E w = lambda w: M [E, E] such that d = (x - z)^T M (x - z)."""
    n, m = len(x), len(z)
    people = sorted({*x_pids, *z_pids})
    in_x, in_z = ([np.sum(p == who) for who in people] for p in (x_pids, z_pids))
    s, r = (np.stack([v[p == who].sum(0) for who in people]) for v, p in ((x, x_pids), (z, z_pids)))
    x_weighted = x * np.sqrt([in_z[people.index(p)] for p in x_pids])[:, None]
    z_weighted = z * np.sqrt([in_x[people.index(p)] for p in z_pids])[:, None]
    intra = x_weighted.T @ x_weighted + z_weighted.T @ z_weighted - s.T @ r - r.T @ s
    extra = m * x.T @ x + n * z.T @ z - np.outer(x.sum(0), z.sum(0)) - np.outer(z.sum(0), x.sum(0)) - intra
    number = sum(a * b for a, b in zip(in_x, in_z, strict=True))
    intra, extra = intra / number + ridge * np.eye(x.shape[1]), extra / (n * m - number)
    values, vectors = np.linalg.eig(np.linalg.solve(intra, extra))
    w = vectors[:, values > 1].real
    kernel = np.linalg.inv(w.T @ intra @ w) - np.linalg.inv(w.T @ extra @ w)
    return w @ kernel @ w.T


def test_xqda_is_the_paper_s_for_two_views():
    vectors, pids, camids = crowd()
    x, z = camids == 0, camids == 1
    m = xqda_of_two_views(vectors[x], pids[x], vectors[z], pids[z], 0.001)
    matcher = fit(Xqda(6, normalize=False), vectors, pids, camids)
    gap = vectors[:5, None] - vectors[None, 5:12]
    expected = np.einsum("qge,ef,qgf->qg", gap, m, gap)
    np.testing.assert_allclose(distance(matcher, vectors[:5], vectors[5:12]), expected, rtol=1e-3, atol=1e-3)


def test_xqda_by_hand():
    # Two people, two cameras: they differ by 2 along the first axis, a person between cameras by 1 along the second.
    vectors = np.array([[0, 0], [0, 1], [2, 0], [2, 1.0]])
    learned = Xqda(2, ridge=0.5, normalize=False).learn(vectors, np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2]))
    # same = diag(0, 1), other = diag(4, 1); with the ridge the eigenvalues are 4 / 0.5 and 1 / 1.5: one is above 1
    assert learned.weight == pytest.approx([1 - 1 / 8])
    assert np.abs(learned.projection.ravel()) == pytest.approx([2**0.5, 0])  # w^T (same + ridge) w = 1
    both = Xqda(2, ridge=0.5, dims=2, normalize=False).learn(vectors, np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2]))
    assert both.weight == pytest.approx([1 - 1 / 8, 1 - 1.5])  # what varies more within a person counts against


def test_kissme_by_hand():
    vectors = np.array([[0, 0], [1, 1], [3, 0], [4, -1.0]])
    # same = [[1, 0], [0, 1]] (of (1, 1) and (1, -1)); other, over (3, 0) (4, -1) (2, -1) (3, -2), is their mean
    other = np.array([[38, -12], [-12, 6]]) / 4
    values, axes = np.linalg.eigh(np.eye(2) - np.linalg.inv(other))
    assert values[0] < 0 < values[1]
    learned = Kissme(2, floor=0.25, pairs="all", normalize=False).learn(vectors, np.array([1, 1, 2, 2]), np.zeros(4))
    restored = learned.projection * learned.weight @ learned.projection.T
    np.testing.assert_allclose(restored, axes * [0.25, values[1]] @ axes.T, atol=1e-12)


def test_kissme_lifts_what_is_no_metric():
    vectors = np.array([[0, 0], [0, 4.0], [1, 0], [1, 5], [0.1, 1], [0.2, 2]])
    learned = Kissme(2, floor=1e-6, pairs="all", normalize=False).learn(
        vectors, np.array([1, 1, 2, 2, 3, 3]), np.zeros(6)
    )
    assert learned.weight.min() == 1e-6


@pytest.mark.parametrize("matcher", [Xqda, Kissme])
def test_learning_brings_people_together(matcher):
    vectors, pids, camids = crowd(people=30, cameras=3, width=20, noise=0.2)
    vectors[:, :5] *= 10  # what varies most says nothing
    vectors[:, :5] = np.random.default_rng(5).permutation(vectors[:, :5])
    train, test = pids < 20, pids >= 20
    built = matcher(20, normalize=False)

    def hits(it):
        rows = np.flatnonzero(test)
        far = distance(it, vectors[rows], vectors[rows]) + 1e9 * (camids[rows, None] == camids[rows])
        return (pids[rows][far.argmin(1)] == pids[rows]).mean()

    before = hits(built)
    after = hits(fit(built, vectors[train], pids[train], camids[train]))
    assert before < 0.4
    assert after > 0.75


@pytest.mark.parametrize("matcher", [Xqda, Kissme])
def test_fewer_tracklets_than_dimensions(matcher):
    vectors, pids, camids = crowd(width=500)
    built = fit(matcher(500), vectors, pids, camids)
    assert built.projection.shape[0] == 500
    assert built.projection.shape[1] <= len(pids)
    got = distance(built, vectors, vectors)
    same = (pids[:, None] == pids) & (camids[:, None] != camids)
    other = pids[:, None] != pids
    assert got[same].max() < got[other].min()


def test_a_basis_of_few_vectors_changes_no_distance():
    vectors = np.random.default_rng(0).normal(size=(5, 40))
    coordinates, basis = span(vectors)
    assert coordinates.shape == (5, 5)
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(coordinates[0] - coordinates[1]), np.linalg.norm(vectors[0] - vectors[1]))


@pytest.mark.parametrize("matcher", [Xqda, Kissme])
def test_before_fitting_the_distance_is_euclidean(matcher):
    vectors = np.random.default_rng(0).normal(size=(4, 6))
    expected = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.testing.assert_allclose(distance(matcher(6, normalize=False), vectors, vectors), expected, atol=1e-3)


def test_a_form_with_negative_weights_is_compared_pair_by_pair():
    vectors, pids, camids = crowd()
    metric = fit(Xqda(6), vectors, pids, camids)
    form = fit(Xqda(6, dims=6, ridge=3.0), vectors, pids, camids)
    assert isinstance(metric, ComparesVectors)
    assert not isinstance(form, ComparesVectors)
    for fitted in (metric, form, Xqda(6)):  # stored and loaded again, by a matcher that was fitted otherwise
        for other in (
            Xqda(6),
            fit(Xqda(6), vectors, pids, camids),
            fit(Xqda(6, dims=6, ridge=3.0), vectors, pids, camids),
        ):
            load_state(other, fitted.state_dict(), "here")
            assert isinstance(other, ComparesVectors) == (fitted is not form)
            assert getattr(other, "metric", "") == getattr(fitted, "metric", "")
    stored = metric.represent(Clips.single(torch.tensor(vectors, dtype=torch.float32)))
    squared = pairwise_distance(metric.vectors(stored), metric.vectors(stored), metric.metric)
    np.testing.assert_allclose(metric.distance(stored, stored), squared, atol=1e-4)


@pytest.mark.parametrize("matcher", [Xqda, Kissme])
def test_a_fitted_state_is_stored_and_restored(matcher, tmp_path):
    vectors, pids, camids = crowd()
    fitted, fresh = fit(matcher(6), vectors, pids, camids), matcher(6)
    save_weights(tmp_path / "weights.safetensors", fitted)
    load_weights(tmp_path / "weights.safetensors", fresh)
    np.testing.assert_array_equal(distance(fresh, vectors, vectors), distance(fitted, vectors, vectors))
    with pytest.raises(ValueError, match="fitted already"):
        fit(fresh, vectors, pids, camids)


@pytest.mark.parametrize("matcher", [Xqda, Kissme])
def test_tracklets_that_teach_nothing_are_refused(matcher):
    vectors, pids, camids = crowd()
    with pytest.raises(InputError, match="show one person in two cameras; try pairs=all"):
        fit(matcher(6), vectors, pids, np.zeros_like(camids))
    with pytest.raises(InputError, match="show two persons"):
        fit(matcher(6), vectors, np.zeros_like(pids), camids)
    with pytest.raises(InputError):
        fit(matcher(6, normalize=False), np.ones_like(vectors), pids, camids)


@pytest.mark.parametrize("matcher", [Xqda, Kissme])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_named(matcher, bad, recwarn):
    vectors = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)
    vectors[5, 1] = bad
    labels = torch.arange(12) // 4, torch.arange(12) % 2
    with pytest.raises(InputError, match=rf"matcher {matcher.__name__.lower()}: the vector of training tracklet 5 is"):
        matcher(3, normalize=False).fit(Clips.single(torch.from_numpy(vectors)), *labels)
    assert not recwarn.list


def test_a_ridge_that_vanishes_beside_large_vectors_is_a_sentence():
    vectors = torch.from_numpy(np.random.default_rng(0).standard_normal((24, 40)).astype(np.float32)) * 1e19
    with pytest.raises(InputError, match="matcher xqda: the covariances of the training tracklets cannot be inverted"):
        Xqda(40, normalize=False).fit(Clips.single(vectors), torch.arange(24) // 4, torch.arange(24) % 2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Xqda(4, pairs="some"), "pairs must be cross-camera or all"),
        (lambda: Kissme(4, pairs="some"), "pairs must be cross-camera or all"),
        (lambda: Xqda(4, ridge=0), "ridge must be above 0"),
        (lambda: Kissme(4, pca=0), "pca must be at least 1"),
    ],
)
def test_options_without_meaning_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


@pytest.mark.parametrize("name", ["xqda", "kissme"])
def test_a_run_fits_the_matcher_after_training(cli_json, tiny_mars, tmp_path, name):
    short = ("--set", "stages.0.steps=3", "--preset", "small", "--quiet", "--runs", tmp_path)
    report = cli_json("run", "--plugin", name, "--data", tiny_mars, *short)
    assert 0 < report["conventions"]["queries-in-gallery"]["mAP"] <= 1
    record = Record.from_file(Path(report["run"]) / "record.json")
    stored = load_file(f"{report['run']}/features.safetensors")["embedding"]
    assert record.budget.embedding == stored.shape[1]  # not what it was before the projection was fitted
    again = cli_json("score", "--features", report["run"])  # from the store, the matcher's metric by name
    expected = report["conventions"]["queries-in-gallery"]["mAP"]
    assert again["conventions"]["queries-in-gallery"]["mAP"] == pytest.approx(expected)

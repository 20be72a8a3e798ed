"""Weights against the true visibility: the truth by counting pixels, the correlations by hand and against SciPy."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from scipy.stats import spearmanr
from short_run import SHORT

from vreid_bench import Clipping, InputError
from vreid_bench.evaluation.agreement import Groups, spearman
from vreid_bench.evaluation.agreement import render as render_agreements
from vreid_bench.modeling.clips import clip_indices
from vreid_bench.modeling.listening import listen_to_attention
from vreid_plugins.aggregators.pooling import Average
from vreid_plugins.datasets.mars.reader import Mars
from vreid_plugins.datasets.mars.twin import plan as plan_mars
from vreid_plugins.protocols.corruption import protocol
from vreid_plugins.synthetic import TrackletSpec, World, render
from vreid_plugins.tacan import Tacan
from vreid_plugins.temporal_modeling import TemporalAttention

PLAIN = {f"p_{kind}": 0.0 for kind in ("object", "pedestrian", "switch", "miss", "drift", "blur")}


@pytest.mark.slow
def test_visibility_is_the_share_of_the_persons_pixels_that_nothing_covers():
    """Counted in pictures: with the person, without (a miss), and with something in front."""
    flat = PLAIN | {"noise": 0.0, "shadow": 0.0, "lowres": 1.0, "blur": 0.0, "height": 128, "width": 64}
    person, nobody, hidden = (World(**(flat | change)) for change in ({}, {"p_miss": 1.0}, {"p_object": 1.0}))
    gaps = []
    for number in range(8):
        seen, street, behind = (
            render(world, TrackletSpec(number, number % 6, 0, 30)) for world in (person, nobody, hidden)
        )
        for frame in np.flatnonzero(street.visibility == 0):
            picture = seen.frames[frame].astype(int)
            body = abs(picture - street.frames[frame]).max(2) > 6
            covered = body & (abs(picture - behind.frames[frame]).max(2) > 6)
            gaps.append((behind.visibility[frame] / seen.visibility[frame], 1 - covered.sum() / body.sum()))
    told, counted = np.array(gaps).T
    assert (counted < 0.6).sum() > 2
    assert (counted > 0.95).sum() > 2
    assert np.abs(told - counted).max() < 0.1


def test_mars_tells_what_was_rendered_for_each_path(tiny_mars, tmp_path):
    truth = Mars().visibility(tiny_mars)
    world = World.appearance(height=32, width=16, cameras=3, typical_frames=12)
    plan = plan_mars(world, 10)
    assert len(truth) == sum(len(job.paths) for job in plan.jobs)
    for job in plan.jobs[5::25]:
        assert [truth[path] for path in job.paths] == render(world, job.spec).visibility.tolist()
    (tmp_path / "mars").mkdir()
    for folder in ("bbox_train", "bbox_test", "info"):
        (tmp_path / "mars" / folder).symlink_to(tiny_mars / folder)
    with pytest.raises(InputError, match=r"annotations.npz cannot be read .* only rendered data comes with this file"):
        Mars().visibility(tmp_path / "mars")


def test_spearman_is_that_of_scipy_ties_included():
    random = np.random.default_rng(0)
    for size in (2, 3, 8, 50):
        for _ in range(20):
            one, other = random.integers(0, 4, (2, size)).astype(float)
            if len(set(one)) > 1 and len(set(other)) > 1:
                assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)
            else:
                assert np.isnan(spearman(one, other))


def test_groups_are_ranked_by_themselves_and_those_that_do_not_vary_left_out():
    groups = Groups()
    groups.add(np.array([0.1, 0.2, 0.7]), np.array([0.2, 0.5, 1.0]), pid=1)  # 1
    groups.add(np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.5, 1.0]), pid=2)  # -1
    groups.add(np.array([0.3, 0.1, 0.2]), np.array([0.5, 0.2, 1.0]), pid=2)  # ranks 3 1 2 and 2 1 3: 1/2
    groups.add(np.array([0.3, 0.3, 0.3]), np.array([0.5, 0.2, 1.0]), pid=3)
    groups.add(np.array([0.1, 0.2, 0.7]), np.array([1.0, 1.0, 1.0]), pid=4)
    found = groups.agreement()
    assert found.groups == 3
    assert found.correlation == pytest.approx(0.5 / 3)
    assert found.interval[0] < found.correlation < found.interval[1]
    everything = (np.concatenate(values) for values in (groups.weights, groups.truth))
    assert found.pooled == pytest.approx(spearmanr(*everything).statistic)
    table = render_agreements({("", "attention to clips"): found})
    assert "condition" not in table
    assert "pooled: over all groups together" in table
    table = render_agreements({("clean", "attention to clips"): found})
    assert table.split()[0] == "condition"
    nothing = Groups()
    nothing.add(np.array([1.0, 1.0]), np.array([0.2, 0.5]), pid=1)
    assert nothing.agreement() is None


def test_attention_is_heard_wherever_it_is_in_the_aggregator():
    torch.manual_seed(0)
    alone, within, without = (
        TemporalAttention((5, 2, 1)),
        Tacan((5, 2, 1), TemporalAttention),
        Tacan((5, 2, 1), Average),
    )
    maps = torch.rand(7, 4, 5, 2, 1)
    for aggregator, part in ((alone, alone), (within, within.inner)):
        with listen_to_attention(aggregator) as heard, torch.no_grad():
            for piece in maps.split(3):
                aggregator(piece)
        torch.testing.assert_close(torch.cat(heard), part.attention(maps).detach())
        aggregator(maps)
        assert len(heard) == 3  # no longer listening
    without.attention = torch.nn.Linear(1, 1)  # a layer, which tells nothing
    with listen_to_attention(without) as heard:
        without(maps)
    assert heard == []


def test_clip_attention_of_a_run_under_corruption(tiny_mars, tmp_path, cli_json, cli, monkeypatch):
    """Against the importance that the run has stored of every clip, clean and spoiled."""
    base = ("--data", tiny_mars, "--runs", tmp_path)
    name = "mars-corruption-mild-query"
    run = Path(cli_json("run", "--plugin", "tacan", "--protocol", name, *base, *SHORT)["run"])
    sizes, add = Counter(), Groups.add
    monkeypatch.setattr(
        Groups, "add", lambda self, weights, *rest: sizes.update([len(weights)]) or add(self, weights, *rest)
    )
    found = {(one["condition"], one["weights"]): one for one in cli_json("visibility", run, *base)["agreement"]}
    [split] = Mars().read(tiny_mars).splits
    truth, rules = Mars().visibility(tiny_mars), protocol("corruption-mild", "query").test
    clean, bad = (
        load_file(run / f"{file}.safetensors")["importance"].reshape(-1, 8) for file in ("features", "spoiled")
    )
    for most in (0, 4, 7):
        each = []
        for row in split.query:
            tracklet = split.test[row]
            mask = rules.choose_spoiled(tracklet, most, 8)
            cut = clip_indices(Clipping("uniform", 4, clips=8), len(tracklet.frames), None)
            seen = [
                0 if s else np.mean([truth[tracklet.frames[i]] for i in clip])
                for clip, s in zip(cut, mask, strict=True)
            ]
            weights = np.where(mask, bad[row], clean[row])
            if len(set(seen)) > 1 and len(set(weights)) > 1:
                each.append(spearmanr(weights, seen).statistic)
        one = found[f"up to {most} of 8 clips", "attention to clips"]
        assert one["groups"] == len(each)
        assert one["correlation"] == pytest.approx(np.mean(each), abs=0.02)  # a clip may be embedded in another batch
    spared = sum((~rules.choose_spoiled(split.test[row], most, 8)).sum() for row in split.query for most in rules.most)
    assert sizes == {8: len(rules.most) * len(split.query), 4: spared}  # tracklets of 8 clips; clips of 4 frames
    frames = found["up to 0 of 8 clips", "attention to frames"]
    assert frames["groups"] > found["up to 7 of 8 clips", "attention to frames"]["groups"]
    told = cli("visibility", run, "--protocol", "mars-shuffled-frames", *base)  # every clip is spoiled
    assert told.exit_code == 2
    assert "no weights of frames or clips vary where visibility varies" in told.stderr

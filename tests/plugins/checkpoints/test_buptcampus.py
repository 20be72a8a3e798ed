"""Checkpoints of BUPTCampus against a restatement on their state dict, with the frames of its published test."""

import checkpoint_files
import checkpoint_forward
import numpy as np
import pytest
import torch
from checkpoint_models import check_features, draw_clips, load_model, open_file

from vreid_bench import Clipping, InputError
from vreid_bench.modeling.frames import read_clips
from vreid_plugins.checkpoints.buptcampus import FAMILY, TwoStemResnet
from vreid_plugins.datasets.buptcampus.reader import BuptCampus


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """With one block in each layer, where the published files have 3, 4, 6 and 3."""
    path = tmp_path_factory.mktemp("buptcampus") / "ckpt_res10_real.pth"
    checkpoint_files.save_as_buptcampus(path, checkpoint_files.buptcampus())
    return path


def published_frames(length):
    """The numbers that its code draws for a test tracklet."""
    return np.linspace(0, length, 10, endpoint=False, dtype=int)


def grey(clips):
    return clips[:, :, :1].repeat(1, 1, 3, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("length", [3, 23])
@pytest.mark.parametrize("stem", ["rgb", "ir"])
def test_features_are_what_the_layers_say(file, length, stem):
    model, method = load_model("buptcampus", file, "size=64x32")
    state = checkpoint_files.buptcampus()
    clips = draw_clips(2, length, (64, 32))
    clips = grey(clips) if stem == "ir" else clips
    taken = [clip[published_frames(length)] for clip in clips]
    expected = torch.stack([checkpoint_forward.buptcampus(state, clip, stem) for clip in taken])
    check_features(model, clips, expected)
    assert method.encoder.options["counts"] == (1, 1, 1, 1)


@pytest.mark.slow
def test_blocks_of_three_convolutions_are_known(tmp_path):
    state = checkpoint_files.buptcampus((1, 1, 1, 1), deep=True)
    torch.save({"model": state, "epoch": 80}, tmp_path / "a.pth")
    model, method = load_model("buptcampus", tmp_path / "a.pth", "size=64x32", "encoder.infrared=none")
    assert method.encoder.options["deep"] is True
    clips = draw_clips(2, 12, (64, 32))
    taken = [clip[published_frames(12)] for clip in clips]
    check_features(model, clips, torch.stack([checkpoint_forward.buptcampus(state, clip, "rgb") for clip in taken]))


def test_each_length_has_the_frames_of_the_published_code():
    for length in range(1, 3000):
        ours = torch.arange(10) * length // 10
        assert np.array_equal(ours.numpy(), published_frames(length))


def test_the_published_test_takes_ten_frames_and_the_mean(file):
    chosen, weights = open_file("buptcampus", file)
    method = chosen.method
    assert (method.test, method.size) == (Clipping("all", T=0), (256, 128))
    assert TwoStemResnet(**method.encoder.options).frames == 10
    assert method.matcher.options["metric"] == "cosine"
    assert set(weights.left) >= {"classifier.fc.weight", "shared_module.backbone.conv1.weight"}
    assert not [name for name in weights.left if name.startswith(("rgb", "ir"))]
    assert "taken for infrared" in weights.disclosure


def test_clips_in_one_batch_go_through_the_stem_of_their_modality():
    torch.manual_seed(0)
    network = TwoStemResnet(counts=(1, 1, 1, 1), frames=0).eval()
    visible = draw_clips(1, 2, (64, 32))
    infrared = grey(visible)
    with torch.inference_mode():
        both = network(torch.cat([visible, infrared]))
        torch.testing.assert_close(both[:1], network(visible))
        torch.testing.assert_close(both[1:], network(infrared))
        for kind, same in (("none", False), ("all", True)):
            network.infrared = kind
            assert torch.allclose(network(infrared), both[1:], rtol=1e-4, atol=1e-5) == same


@pytest.mark.slow
def test_the_modality_of_every_tracklet_of_the_twin_is_seen(tmp_path):
    BuptCampus().synthesize(tmp_path / "twin", ids=4, size=(32, 16), workers=1, progress=False)
    dataset = BuptCampus().read(tmp_path / "twin")
    [split] = dataset.splits
    network = TwoStemResnet(counts=(1, 1, 1, 1))
    seen = set()
    for tracklet in split.test:
        frames = read_clips(dataset.root, tracklet, [np.arange(len(tracklet.frames))], (64, 32))
        clip = torch.from_numpy(frames).permute(0, 1, 4, 2, 3) / 255
        modality = "IR" if network._find_infrared(clip)[0] else "RGB"
        assert modality == tracklet.attribute("modality")
        seen.add(modality)
    assert seen == {"RGB", "IR"}


FAULTS = {
    "missing": ({"rgb_module.bn1.bias": None}, "missing: 1 (encoder.rgb_module.bn1.bias [64])"),
    "unexpected": ({"neck.weight": torch.zeros(3)}, "unexpected: 1 (neck.weight [3])"),
    "another width": ({"bottleneck.bn.weight": torch.zeros(9)}, "of another shape: 1 (aggregator.bottleneck.0.weight"),
    "not finite": ({"ir_module.bn1.bias": torch.full((64,), torch.nan)}, "has values that are not finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damage_is_told(tmp_path, fault):
    changes, words = FAULTS[fault]
    state = {**checkpoint_files.buptcampus(), **changes}
    torch.save({"model": {name: value for name, value in state.items() if value is not None}}, tmp_path / "a.pth")
    with pytest.raises(InputError) as caught:
        open_file("buptcampus", tmp_path / "a.pth")
    assert words in str(caught.value)


@pytest.mark.slow
def test_the_published_network_is_known_and_fits(tmp_path):
    """ckpt_res34_real.pth: 21,284,672 numbers of torchvision's ResNet-34, a second stem, and the neck."""
    checkpoint_files.save_as_buptcampus(tmp_path / "a.pth", checkpoint_files.buptcampus((3, 4, 6, 3)))
    chosen, weights = open_file("buptcampus", tmp_path / "a.pth")
    assert chosen.method.encoder.options["counts"] == (3, 4, 6, 3)
    network = TwoStemResnet(**chosen.method.encoder.options)
    stem = 64 * 3 * 49 + 2 * 64
    assert sum(each.numel() for each in network.parameters()) == 21_284_672 + stem
    assert weights.taken == len(list(network.parameters())) + 2 * 37 + 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temporal_module.transformer.linear1.weight": (1024, 512)}, "run over the tracklets of a batch"),
        ({}, r"found layers with \[1, 0, 0, 0\] blocks"),
    ],
)
def test_another_network_is_refused(change, words):
    names = dict.fromkeys(FAMILY.signs[0], (64, 64, 3, 3))
    with pytest.raises(InputError, match=words):
        FAMILY.read(names | change)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"counts": (1, 0, 1, 1)}, "counts must be four numbers"),
        ({"infrared": "dark"}, "infrared must be grey, none or all"),
        ({"frames": -1}, "frames must be 0 or more"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        TwoStemResnet(**options)

"""Optical flow: known translations, the cache, the planes of a reader, and what is said where it cannot be computed."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from vreid_bench import Clipping, Dataset, Split, Tracklet
from vreid_bench.contracts.parts import ClipFeatures, Clips
from vreid_bench.modeling import flow
from vreid_bench.modeling.embed import FrameReader, embed
from vreid_bench.modeling.flow import FlowFolder, compute_flow, quantize
from vreid_bench.system.errors import InputError
from vreid_plugins.augmentations.flip import Flip

RIGHT, DOWN = 3, 2  # pixels from one frame to the next
CPU = SimpleNamespace(device=torch.device("cpu"), threads=2, quiet=True)


def window(moved, height=64, width=48, seed=0):
    """A part of a smooth random picture; a window further left and further up shows everything moved right and down."""
    cells = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    whole = np.asarray(Image.fromarray(cells).resize((200, 200), Image.Resampling.BICUBIC))
    top, left = 60 - DOWN * moved, 60 - RIGHT * moved
    return whole[top : top + height, left : left + width]


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """A tracklet that moves by RIGHT and DOWN in its first two steps and then stands, and one of a single frame."""
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    for name, moved in (("a0", 0), ("a1", 1), ("a2", 2), ("a3", 2), ("b0", 0)):
        Image.fromarray(window(moved)).save(tmp_path / "data" / f"{name}.png")
    moving = Tracklet(("a0.png", "a1.png", "a2.png", "a3.png"), 1, 1)
    single = Tracklet(("b0.png",), 2, 1)
    split = Split((moving,), (moving, single), (0,), (1,))
    return Dataset("toy", tmp_path / "data", (split,), "unverified", content="c0ffee")


def inside(field):
    """A field without its borders, where pixels come into sight and leave it."""
    return field[12:-12, 12:-12]


def test_a_translated_pattern_has_its_translation_as_flow(dataset):
    first, second, third, last = compute_flow(dataset.root, dataset.splits[0].train[0])
    for field in (first, second):
        pixels = (inside(field).astype(float) - 128) / 127 * 20
        assert abs(pixels - (RIGHT, DOWN)).max() < 0.3
        assert pixels.mean((0, 1)) == pytest.approx([RIGHT, DOWN], abs=0.1)
    assert (third == 128).all()  # two equal frames
    assert (last == third).all()  # the last frame has no next one
    [only] = compute_flow(dataset.root, dataset.splits[0].test[1])
    assert only.shape == (64, 48, 2)
    assert (only == 128).all()


def test_a_byte_is_the_share_of_twenty_pixels():
    pixels = np.array([[[0.0, 20.0], [-20.0, 10.0]], [[95.0, -95.0], [20 / 127, -0.07]]], np.float32)
    assert quantize(pixels).tolist() == [[[128, 255], [1, 192]], [[255, 1], [129, 128]]]


def test_frames_of_another_size_are_scaled_to_the_first(dataset):
    larger = Image.fromarray(window(0)).resize((96, 128), Image.Resampling.BICUBIC)
    larger.save(dataset.root / "b1.png")
    first, _ = compute_flow(dataset.root, Tracklet(("b0.png", "b1.png"), 2, 1))
    assert first.shape == (64, 48, 2)
    assert abs(inside(first).astype(int) - 128).max() <= 2  # 0.3 pixels: nothing moved


def test_planes_are_read_in_order_and_scaled(dataset):
    moving = dataset.splits[0].train[0]
    clips = [np.array([0, 3]), np.array([1, 1])]
    both = FrameReader.of(dataset, (64, 48), ("rgb", "flow"), CPU)
    read = both.read(moving, clips)
    assert (read.shape, read.dtype) == ((2, 2, 64, 48, 5), np.uint8)
    fields = compute_flow(dataset.root, moving)
    assert (read[0, 0, :, :, :3] == window(0)).all()
    assert (read[0, 1, :, :, 3:] == fields[3]).all()
    assert (read[1, :, :, :, 3:] == fields[1]).all()
    tensor = both.tensor(read)
    assert tensor.shape == (2, 2, 5, 64, 48)
    torch.testing.assert_close(tensor[0, 0, :3].movedim(0, -1), torch.from_numpy(window(0) / 255).float())
    assert tensor[0, 0, 3, 20:40, 20:30].mean().item() == pytest.approx(RIGHT / 20, abs=0.005)
    assert tensor[0, 0, 4, 20:40, 20:30].mean().item() == pytest.approx(DOWN / 20, abs=0.005)
    assert (tensor[0, 1, 3:] == 0).all()
    turned = FrameReader.of(dataset, (64, 48), ("flow", "rgb"), CPU)
    assert torch.equal(turned.tensor(turned.read(moving, clips)), tensor[:, :, [3, 4, 0, 1, 2]])
    alone = FrameReader.of(dataset, (32, 24), ("flow",), CPU)
    half = alone.tensor(alone.read(moving, clips))
    assert half.shape == (2, 2, 2, 32, 24)
    assert half[0, 0, 0, 10:20, 10:15].mean().item() == pytest.approx(RIGHT / 20, abs=0.005)  # pixels on disk


def test_a_mirrored_clip_has_the_flow_of_the_mirrored_frames(dataset):
    """Independent of the flip: the frames themselves are mirrored on disk, and their flow is computed."""
    for name in ("a0", "a1"):
        Image.fromarray(window(int(name[1]))[:, ::-1].copy()).save(dataset.root / f"m{name}.png")
    clip = [np.array([0])]
    reader = FrameReader.of(dataset, (64, 48), ("rgb", "flow"), CPU)
    flipped = Flip(p=1.0)(
        reader.tensor(reader.read(dataset.splits[0].train[0], clip)), torch.Generator(), reader.planes
    )
    mirrored = reader.tensor(reader.read(Tracklet(("ma0.png", "ma1.png"), 3, 1), clip))
    assert torch.equal(flipped[:, :, :3], mirrored[:, :, :3])
    middle = (..., slice(12, -12), slice(12, -12))
    torch.testing.assert_close(flipped[:, :, 3:][middle], mirrored[:, :, 3:][middle], atol=2 / 127, rtol=0)


def test_flow_is_computed_once_for_equal_content(dataset, monkeypatch):
    computed = []
    original = flow.compute_flow

    def count(root, tracklet):
        computed.append(tracklet.name)
        return original(root, tracklet)

    monkeypatch.setattr(flow, "compute_flow", count)
    reader = FrameReader.of(dataset, (64, 48), ("flow",), CPU)
    assert sorted(computed) == ["a0.png", "b0.png"]  # of all splits, each once
    before = reader.read(dataset.splits[0].train[0], [np.arange(4)])
    FrameReader.of(dataset, (32, 24), ("rgb", "flow"), CPU)
    FrameReader.of(replace(dataset, name="copy"), (64, 48), ("flow",), CPU)
    assert len(computed) == 2
    FrameReader.of(replace(dataset, content="changed"), (64, 48), ("flow",), CPU)
    assert len(computed) == 4
    [file] = [f for f in FlowFolder.of(dataset).path.iterdir() if f.stat().st_size > 1000]
    for content in (b"", b"PK\x03\x04 cut short", file.read_bytes()[:-40]):
        file.write_bytes(content)
        assert (reader.read(dataset.splits[0].train[0], [np.arange(4)]) == before).all()
    assert len(computed) == 7
    assert (reader.read(dataset.splits[0].train[0], [np.arange(4)]) == before).all()  # it was written again
    assert len(computed) == 7


def test_colours_alone_compute_no_flow(dataset, monkeypatch):
    monkeypatch.setattr(flow, "compute_flow", None)
    reader = FrameReader.of(dataset, (64, 48), ("rgb",), CPU)
    assert reader.flow is None
    assert reader.read(dataset.splits[0].train[0], [np.array([0])]).shape == (1, 1, 64, 48, 3)


def test_another_version_of_opencv_does_not_reuse_the_flow_of_this_one(dataset, monkeypatch):
    here = FlowFolder.of(dataset).path
    monkeypatch.setattr(flow, "describe_algorithm", lambda: "DIS, preset medium, OpenCV 0.1")
    assert FlowFolder.of(dataset).path != here
    assert flow.describe_sources(("flow", "rgb")) == ["DIS, preset medium, OpenCV 0.1"]
    assert flow.describe_sources(("rgb",)) == []


class Movement(nn.Module):
    """A network that returns what reaches it: the mean of each channel."""

    titles = dict.fromkeys(("encoder", "aggregator", "matcher"), "part 'mine' of vreid-mine")
    matcher = SimpleNamespace(represent=lambda clips: Clips(clips.embedding, clips.importance, clips.valid))

    def features(self, clips):
        return ClipFeatures(clips.mean((1, 3, 4)))


def test_flow_reaches_an_encoder_at_test(dataset):
    reader = FrameReader.of(dataset, (64, 48), ("rgb", "flow"), CPU)
    store = embed(Movement(), dataset.splits[0].test, Clipping("dense", 2), reader)
    clips = store.clips(slice(None)).embedding  # [2, 2, 5]
    assert clips[0, 0, 3].item() == pytest.approx(RIGHT / 20, abs=0.02)
    assert clips[1, 0, 3:].tolist() == [0, 0]


def test_small_frames_are_refused_in_one_sentence(dataset):
    Image.fromarray(np.zeros((32, 15, 3), np.uint8)).save(dataset.root / "s.png")
    with pytest.raises(InputError, match=r"s\.png has 32 x 15 pixels, but optical flow needs at least 16 x 16"):
        compute_flow(dataset.root, Tracklet(("s.png",), 1, 1))


def test_a_cache_that_cannot_be_written_is_said(dataset, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(InputError, match=r"optical flow cannot be written there .* VREID_CACHE"):
        FrameReader.of(dataset, (64, 48), ("flow",), CPU)

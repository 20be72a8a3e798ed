"""Frames of the data that a run was tested on, as small pictures inside a page."""

from __future__ import annotations

import base64
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid_bench.contracts.dataset import Dataset
from vreid_bench.modeling.frames import Frame, read_frame, resize
from vreid_bench.planning.content import read_content
from vreid_bench.planning.data_root import check_withdrawn, find_root, read_dataset
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.records.data_roots import read_data_roots
from vreid_bench.records.entries import DatasetEntry
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.page.run_data import RunData
from vreid_bench.system.cache_folder import cache_folder
from vreid_bench.system.errors import InputError

HEIGHT, WIDTH = 128, 128  # pixels of a picture at most
LARGEST = 12_000  # bytes of a picture at most
QUALITIES = (90, 75, 60, 40, 20, 5)  # of JPEG; the first that is small enough is taken
STRIP = 6  # frames of a query
WITHOUT = "or write the page without pictures: --no-images"


@dataclass(frozen=True)
class FrameFolder:
    """Where the frames of the test tracklets are."""

    root: Path
    frames: Mapping[str, Sequence[str]]  # name of a tracklet -> its frames

    def list_frames(self, tracklet: str, most: int) -> list[tuple[int, int, str]]:
        """Number (from 1), total and file of up to `most` frames, evenly over the tracklet; one is its middle.

        Of a tracklet that the data does not list, such as a part of one, it is the frame that it is named by.
        """
        frames = self.frames.get(tracklet, (tracklet,))
        total = len(frames)
        if most == 1 or total == 1:
            chosen = [total // 2]
        else:
            count = min(most, total)
            chosen = [round(place * (total - 1) / (count - 1)) for place in range(count)]
        return [(at + 1, total, frames[at]) for at in chosen]

    def picture(self, frame: str) -> str:
        """A frame as a `data:` address. Raises InputError if it cannot be read."""
        try:
            return embed_picture(read_frame(self.root / frame, self.root))
        except InputError as fault:
            raise InputError(f"{str(fault).rstrip('.')}; {WITHOUT}") from fault


def embed_picture(frame: Frame) -> str:
    """A picture [H, W, 3] as a `data:` address, no larger than HEIGHT x WIDTH pixels and LARGEST bytes."""
    import simplejpeg

    height, width = frame.shape[:2]
    scale = min(1.0, HEIGHT / height, WIDTH / width)
    if scale < 1:
        frame = resize(frame, (max(1, round(height * scale)), max(1, round(width * scale))))
    for quality in QUALITIES:
        data = simplejpeg.encode_jpeg(frame.copy(order="C"), quality, "RGB", "420")
        if len(data) <= LARGEST:
            break
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def open_frames(run: RunData, data: Path | None, accepted: Container[str], quiet: bool = False) -> FrameFolder:
    """The frames of the data that the run was tested on.

    data: `--data`, another place of the same copy; None: where the run had it. Raises InputError if it is gone, or
    holds something else than it did.
    """
    registry = Registry.installed()
    record = run.record
    protocol = find_protocol(registry.values("protocols"), record.protocol.name)
    name, variant = protocol.test_dataset, protocol.target_variant if protocol.target else protocol.variant
    entry = registry.entry("datasets", name)
    if data is not None:
        root, _ = find_root(entry, data, accepted, shelf=bool(protocol.target))
    else:
        known = read_data_roots(run.folder.path).get(name)
        if known is None:
            raise InputError(
                f"{run.folder.path}: does not say where its {name} data was; name it with --data, {WITHOUT}"
            )
        if not known.is_dir():
            raise InputError(
                f"{known}: the run used this copy of {name}, which is gone; name where it is now with --data, {WITHOUT}"
            )
        check_withdrawn(entry.value, name, known, accepted)
        root = known
    dataset = read_dataset(entry, variant, root)
    _check_same(dataset, record.dataset, quiet)
    tracklets = (each for split in dataset.splits for part in (split.train, split.test) for each in part)
    return FrameFolder(root, {each.name: each.frames for each in tracklets})


def _check_same(dataset: Dataset, entry: DatasetEntry, quiet: bool) -> None:
    """Raises InputError unless the data is what the run was tested on."""
    if (dataset.name, dataset.fingerprint) != (entry.name, entry.fingerprint):
        raise InputError(
            f"{dataset.root}: lists other tracklets of {dataset.name} than the run was tested on; restore that data, "
            f"name it with --data, {WITHOUT}"
        )
    if entry.content is not None and read_content(dataset, cache_folder(), quiet).sha256 != entry.content:
        raise InputError(
            f"{dataset.root}: has other pictures than the run was tested on; restore that data, name it with --data, "
            f"{WITHOUT}"
        )

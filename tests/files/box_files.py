"""Features of boxes that name nobody, and a table of who they show: boxmot's data sets, tables of other trackers."""

import csv
import json

import numpy as np
from frame_files import framed_world

BUILD = "0" * 64


def boxed_world(seed=0, **sizes):
    """A framed world; each frame of a tracklet is a box in a video of its camera, in which others may stand as well."""
    w = framed_world(seed, **sizes)
    random = np.random.default_rng(seed)
    w.boxes = []  # row of the frame, tracklet, video, number of the frame, of the box and of the track
    taken, tracks = {}, {}
    for tracklet, (first, last) in enumerate(zip(w.first, w.last, strict=True)):
        video = f"camera-{w.gallery.camid[tracklet]}"
        track = tracks[video] = tracks.get(video, 0) + 1  # trackers begin anew in each video
        begin = int(random.integers(0, 8))
        for row in range(first, last):
            frame = begin + row - first
            box = taken[video, frame] = taken.get((video, frame), -1) + 1
            w.boxes.append((row, tracklet, video, frame, box, track))
    return w


def write_table(path, names, rows):
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(names)
        lines.writerows(rows)
    return path


def labels(w, tracklet):
    """Role, person and camera of a tracklet."""
    role = "both" if tracklet in set(w.query.names.tolist()) else "gallery"
    return role, int(w.gallery.pid[tracklet]), int(w.gallery.camid[tracklet])


def _keys(video, frame, box):
    sample = f"{video}:{frame:012d}"
    return sample, f"{BUILD}:{sample}:{box}"


def boxmot_tables(w):
    """The columns of the tables that boxmot's `materialize` makes, in their order and with their types."""
    rows = sorted((*_keys(video, frame, box), row, frame, box, video) for row, _, video, frame, box, _ in w.boxes)
    frames = sorted({(sample, video, frame) for sample, _, _, frame, _, video in rows})
    frames.append((f"empty:{0:012d}", "empty", 0))  # a frame without boxes
    corners = {name: np.full(len(rows), n, np.float32) for n, name in enumerate(("x1", "y1", "x2", "y2", "score"))}
    return {
        "embeddings": {
            "sample_id": [sample for sample, *_ in rows],
            "instance_id": [instance for _, instance, *_ in rows],
            "encoder_fingerprint": ["f" * 64] * len(rows),
            "dim": np.full(len(rows), w.frames.shape[1], np.int32),
            "values": w.frames[[row for _, _, row, *_ in rows]],
        },
        "instances": {
            "instance_id": [instance for _, instance, *_ in rows],
            "sample_id": [sample for sample, *_ in rows],
            "detection_index": np.array([box for *_, box, _ in rows], np.int32),
            **corners,
            "class_id": np.zeros(len(rows), np.int64),
        },
        "samples": {
            "sample_id": [sample for sample, _, _ in frames],
            "split": ["test"] * len(frames),
            "sequence_id": [video for _, video, _ in frames],
            "frame_index": [frame for _, _, frame in frames],
            "timestamp_s": np.arange(len(frames)) / 25,
            "image_ref": [f"{sample}.jpg" for sample, _, _ in frames],
            "height": np.full(len(frames), 480, np.int32),
            "width": np.full(len(frames), 640, np.int32),
        },
    }


def write_boxmot_build(folder, w, shards=2):
    """A folder as boxmot's `materialize` makes it; boxes and embeddings in shards."""
    import pyarrow
    import pyarrow.parquet as parquet

    build = folder / "build"
    for name, columns in boxmot_tables(w).items():
        (build / name).mkdir(parents=True)
        if "values" in columns:
            vectors = pyarrow.array(columns["values"].ravel())
            columns["values"] = pyarrow.FixedSizeListArray.from_arrays(vectors, w.frames.shape[1])
        table, size = pyarrow.table(columns), -(-len(columns["sample_id"]) // (1 if name == "samples" else shards))
        for number, first in enumerate(range(0, len(table), size)):
            parquet.write_table(table.slice(first, size), build / name / f"part-{number:05d}.parquet")
    (build / "manifest.json").write_text(json.dumps({"schema": "boxmot.dataset/v1", "build_id": BUILD}))
    (build / "_SUCCESS").write_text("{}")
    return build


def write_boxmot_arrays(folder, w):
    """The same tables, converted to .npz, with labels by video, frame and box."""
    paths = [folder / f"{name}.npz" for name in ("embeddings", "instances", "samples")]
    for path, columns in zip(paths, boxmot_tables(w).values(), strict=True):
        np.savez(path, **columns)
    return [*paths, write_track_labels(folder, w)]


def write_boxmot(folder, w):
    """Labels by the key of each box, in the order of the tracklets; the boxes are in the order of their keys."""
    found = [(_keys(video, frame, box)[1], f"t{t:04d}", *labels(w, t)) for _, t, video, frame, box, _ in w.boxes]
    names = ("instance_id", "tracklet", "role", "pid", "camid")
    return [write_boxmot_build(folder, w), write_table(folder / "labels.csv", names, found)]


def write_boxmot_tracks(folder, w):
    """Labels by video, frame and box, with the tracker's numbers, which begin anew in each video."""
    return [write_boxmot_build(folder, w, 1), write_track_labels(folder, w)]


def write_track_labels(folder, w):
    found = [(video, frame, box, track, *labels(w, t)) for _, t, video, frame, box, track in w.boxes]
    names = ("sequence_id", "frame_index", "detection_index", "track_id", "role", "pid", "camid")
    return write_table(folder / "labels.csv", names, found)


def write_boxes(folder, w):
    """A table of any tracker with a vector a box, and the labels of each track."""
    vectors = [json.dumps([float(x) for x in vector]) for vector in w.frames]
    rows = [(video, frame, track, 1, 2, 3, 4, vectors[row]) for row, _, video, frame, _, track in w.boxes]
    names = ("video", "frame", "track_id", "x1", "y1", "x2", "y2", "embedding")
    boxes = write_table(folder / "boxes.csv", names, sorted(rows, key=lambda row: row[:3]))
    tracks = {(video, track): labels(w, t) for _, t, video, _, _, track in w.boxes}
    found = [(*key, *named) for key, named in tracks.items()]
    return [boxes, write_table(folder / "labels.csv", ("video", "track_id", "role", "pid", "camid"), found)]

"""Features of frames and of body parts in the shapes that people bring, with the tracklets that they pool to."""

import csv
import pickle

import numpy as np
from brought_files import world
from scipy.io import savemat


def framed_world(seed=0, **sizes):
    """A world whose queries are in the gallery, each tracklet the mean of one to eight frames; with these frames."""
    w = world(seed, in_gallery=True, **sizes)
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 9, len(w.gallery.pid))
    centre = np.repeat(w.gallery.features, sizes, 0)
    w.frames = (centre + random.standard_normal(centre.shape)).astype(np.float32)
    w.last = np.cumsum(sizes)
    w.gallery.features = np.stack([w.frames[end - size : end].mean(0) for end, size in zip(w.last, sizes, strict=True)])
    w.query.features = w.gallery.features[w.query.names]
    w.first = w.last - sizes
    return w


def write_index(folder, w):
    """`tracks_test_info.mat` and `query_IDX.mat` of MARS, counted from 1."""
    index = np.stack([w.first + 1, w.last, w.gallery.pid, w.gallery.camid], 1)
    savemat(folder / "tracks_test_info.mat", {"track_test_info": index})
    savemat(folder / "query_IDX.mat", {"query_IDX": w.query.names[None] + 1})
    return [folder / "tracks_test_info.mat", folder / "query_IDX.mat"]


def write_mars(folder, w):
    """The authors' features: [E, F], a column for each frame."""
    savemat(folder / "ide_feat_test.mat", {"ide_feat_test": w.frames.T})
    return [folder / "ide_feat_test.mat", *write_index(folder, w), "--pool", "average"]


def write_frame_rows(folder, w):
    """A row for each frame, of tracklets that are named."""
    with (folder / "frames.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        width = w.frames.shape[1]
        lines.writerow(["tracklet", "frame", "role", "pid", "camid", *(f"e{i}" for i in range(width))])
        asked = set(w.query.names.tolist())
        for row, (first, last) in enumerate(zip(w.first, w.last, strict=True)):
            labels = [w.gallery.pid[row], w.gallery.camid[row]]
            for number in range(first, last):
                role = "both" if row in asked else "gallery"
                lines.writerow([f"t{row:04d}", number, role, *labels, *map(float, w.frames[number])])
    return [folder / "frames.csv"]


def parted_world(seed=0, parts=3, **sizes):
    """A world with a vector for each of some body parts [N, E, P], compared by the mean of their distances."""
    w = world(seed, **sizes)
    random = np.random.default_rng(seed)
    for side in (w.query, w.gallery):
        noise = random.standard_normal((*side.features.shape, parts))
        side.parts = (side.features[..., None] + noise).astype(np.float32)
        side.pid = np.where(side.pid < 1, 99, side.pid)  # gait sets have neither junk nor distractors
    left, right = (side.parts.astype(float) for side in (w.query, w.gallery))
    w.distance = np.array(
        [[np.mean([np.linalg.norm(q[:, p] - g[:, p]) for p in range(parts)]) for g in right] for q in left]
    )
    return w


def write_opengait(folder, w):
    """A pickle for each side: embeddings [N, C, P], and labels, types and views as texts."""
    paths = []
    for name, side in (("probe", w.query), ("gallery", w.gallery)):
        content = {"embeddings": side.parts, "labels": [f"{pid:03d}" for pid in side.pid]}
        content |= {"types": ["nm-01"] * len(side.pid), "views": [f"{18 * camera:03d}" for camera in side.camid]}
        paths.append(folder / f"{name}.pkl")
        paths[-1].write_bytes(pickle.dumps(content, 4))
    return ["--query", paths[0], "--gallery", paths[1]]

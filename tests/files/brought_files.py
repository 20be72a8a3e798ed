"""Small made files in the shapes that people bring: those of the programs of this field, none copied from them.

Every function writes one shape into a folder and returns the command line that scores it. `world` makes what they hold.
"""

import csv
import json
import pickle
from types import SimpleNamespace

import h5py
import numpy as np
import torch
from scipy.io import savemat


def world(seed=0, gallery=60, people=8, width=6, in_gallery=False):
    """Queries and gallery with people, distractors and junk in four cameras; by default no query is in the gallery."""
    random = np.random.default_rng(seed)
    pid = random.integers(-1, people + 1, gallery)
    camid = random.integers(1, 5, gallery)
    centre = random.standard_normal((people + 2, width))
    features = (centre[pid] + random.standard_normal((gallery, width))).astype(np.float32)
    if in_gallery:
        rows = np.flatnonzero(pid > 0)[:20]
        query = SimpleNamespace(pid=pid[rows], camid=camid[rows], features=features[rows], names=rows)
    else:
        shown, cameras = np.repeat(np.arange(1, people + 1), 2), np.tile([1, 3], people)
        drawn = (centre[shown] + random.standard_normal((2 * people, width))).astype(np.float32)
        query = SimpleNamespace(pid=shown, camid=cameras, features=drawn, names=1000 + np.arange(2 * people))
    given = SimpleNamespace(pid=pid, camid=camid, features=features, names=np.arange(gallery))
    return SimpleNamespace(query=query, gallery=given, distance=cosine(query.features, features))


def cosine(query, gallery):
    """[Q, G] in float32, from float64."""
    left, right = (x.astype(np.float64) for x in (query, gallery))
    lengths = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
    return (1 - left @ right.T / lengths).astype(np.float32)


def tracklets(side):
    return [f"t{name:04d}" for name in side.names]


def write_npz(folder, w):
    """The form of this program: the twin of every other."""
    for name in ("query", "gallery"):
        side = getattr(w, name)
        arrays = {"embedding": side.features, "pid": side.pid, "camid": side.camid, "tracklet": tracklets(side)}
        np.savez(folder / f"own-{name}.npz", **arrays)
    return ["--query", folder / "own-query.npz", "--gallery", folder / "own-gallery.npz"]


def _layumi(w):
    return {
        "gallery_f": w.gallery.features,
        "gallery_label": w.gallery.pid[None],
        "gallery_cam": w.gallery.camid[None],
        "query_f": w.query.features,
        "query_label": w.query.pid[None],
        "query_cam": w.query.camid[None],
    }


def write_layumi(folder, w):
    savemat(folder / "pytorch_result.mat", _layumi(w))
    return [folder / "pytorch_result.mat"]


def write_layumi_columns(folder, w):
    """As MATLAB programs write it: labels [N, 1] as doubles, a column for each tracklet."""
    arrays = {
        name: a.T if name.endswith("_f") else a.reshape(-1, 1).astype(np.float64) for name, a in _layumi(w).items()
    }
    savemat(folder / "columns.mat", arrays, do_compression=True)
    return [folder / "columns.mat"]


def write_matlab73(folder, w):
    """MATLAB 7.3: HDF5 with the axes turned round."""
    with h5py.File(folder / "result73.mat", "w", userblock_size=512) as file:
        for name, array in _layumi(w).items():
            dataset = file.create_dataset(name, data=np.ascontiguousarray(array.T))
            dataset.attrs["MATLAB_class"] = np.bytes_("single" if array.dtype == np.float32 else "double")
    return [folder / "result73.mat"]


def write_distmat(folder, w):
    arrays = _layumi(w)
    kept = {name: a for name, a in arrays.items() if not name.endswith("_f")}
    savemat(folder / "distmat.mat", {"distmat": w.distance, **kept})
    return [folder / "distmat.mat"]


def write_mevid(folder, w):
    arrays = {"q_pids": w.query.pid, "g_pids": w.gallery.pid, "q_camids": w.query.camid, "g_camids": w.gallery.camid}
    arrays |= {"q_oids": w.query.pid * 0, "g_oids": w.gallery.pid * 0}
    arrays = {name: a.astype(np.float32) for name, a in arrays.items()}
    np.savez(folder / "eval.npz", distmat=w.distance, **arrays)
    return [folder / "eval.npz"]


def write_mevid_negative(folder, w):
    """CAL keeps the negative cosine."""
    write_mevid(folder, w)
    arrays = dict(np.load(folder / "eval.npz"))
    np.savez(folder / "cal.npz", **arrays | {"distmat": w.distance - np.float32(1)})
    return [folder / "cal.npz"]


def write_ag_vpreid(folder, w):
    arrays = {"distance_matrix": w.distance, "query_pids": w.query.pid, "gallery_pids": w.gallery.pid}
    arrays |= {"query_camids": w.query.camid, "gallery_camids": w.gallery.camid}
    for name in ("query", "gallery"):
        arrays[f"{name}_tracklet_names"] = np.array(tracklets(getattr(w, name)), object)
    savemat(folder / "evaluation_results.mat", arrays)
    return [folder / "evaluation_results.mat"]


def write_bupt(folder, w, postfix="_rgb2ir"):
    """Eight files: tensors and lists."""
    inside = folder / "bupt"
    inside.mkdir()
    for name in ("query", "gallery"):
        side = getattr(w, name)
        parts = {
            "feats": torch.from_numpy(side.features),
            "pids": torch.from_numpy(side.pid),
            "modals": ["RGB"] * len(side.pid),
            "cids": [("", "LS3", "G25", "CQ1", "W4")[camera] for camera in side.camid],
        }
        for part, value in parts.items():
            torch.save(value, inside / f"{name}_{part}{postfix}.pth")
    return [inside]


def write_qf_gf(folder, w):
    """Features alone, and a table with the labels."""
    for name, side in (("qf", w.query), ("gf", w.gallery)):
        torch.save(torch.from_numpy(side.features), folder / f"{name}.pt")
    with (folder / "labels.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("role", "pid", "camid"))
        for role in ("query", "gallery"):
            side = getattr(w, role)
            lines.writerows((role, pid, camid) for pid, camid in zip(side.pid, side.camid, strict=True))
    return [folder / "qf.pt", folder / "gf.pt", folder / "labels.csv"]


def write_torch_dict(folder, w):
    """One dict in the old format of torch, with a half tensor's neighbours: nested, lists, a NumPy scalar."""
    sides = {
        name: {"feat": torch.from_numpy(side.features), "pid": side.pid.tolist(), "camid": torch.from_numpy(side.camid)}
        for name, side in (("query", w.query), ("gallery", w.gallery))
    }
    torch.save({**sides, "rank1": np.float64(0.5)}, folder / "r.tar", _use_new_zipfile_serialization=False)
    return [folder / "r.tar"]


def write_torch_sides(folder, w):
    """A file for each side, with keys that do not say which."""
    for name in ("query", "gallery"):
        side = getattr(w, name)
        content = {"feat": torch.from_numpy(side.features), "pid": torch.from_numpy(side.pid), "cam": side.camid}
        torch.save(content, folder / f"{name}_features.pth")
    return [folder / "query_features.pth", folder / "gallery_features.pth"]


def write_aliases(folder, w):
    arrays = {}
    for letter, side in (("q", w.query), ("g", w.gallery)):
        arrays |= {f"{letter}f": side.features, f"{letter}_pids": side.pid, f"{letter}_camids": side.camid}
    np.savez(folder / "wild.npz", **arrays)
    return [folder / "wild.npz"]


def write_two_tensors(folder, w):
    """A dict with a tensor for each side, and labels beside it."""
    labels = write_qf_gf(folder, w)[2]
    torch.save(
        {"query": torch.from_numpy(w.query.features), "gallery": torch.from_numpy(w.gallery.features)}, folder / "x"
    )
    return [folder / "x", labels]


def write_npy(folder, w):
    paths = []
    for letter, side in (("q", w.query), ("g", w.gallery)):
        for part, array in (("f", side.features), ("_pids", side.pid), ("_camids", side.camid)):
            paths.append(folder / f"{letter}{part}.npy")
            np.save(paths[-1], array)
    return paths


def write_hdf5(folder, w):
    with h5py.File(folder / "features.h5", "w") as file:
        for name in ("query", "gallery"):
            side = getattr(w, name)
            group = file.create_group(name)
            group["features"], group["labels"], group["cameras"] = side.features, side.pid, side.camid
            group["names"] = np.array(tracklets(side), object)
    return [folder / "features.h5"]


def _rows(w):
    for role in ("query", "gallery"):
        side = getattr(w, role)
        for row in zip(tracklets(side), side.pid, side.camid, side.features, strict=True):
            yield role, *row


def write_csv(folder, w, delimiter=","):
    """A row a tracklet, with a mark of byte order and lines ended as on Windows."""
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8-sig") as file:
        lines = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
        lines.writerow(["split", "tracklet", "pid", "camid", *(f"feat_{i}" for i in range(w.query.features.shape[1]))])
        for role, name, pid, camid, vector in _rows(w):
            lines.writerow([role, name, f"{pid:04d}" if pid > 0 else pid, camid, *map(float, vector)])
    return [folder / "rows.csv"]


def write_csv_texts(folder, w):
    """One column of vectors as texts, and semicolons."""
    with (folder / "texts.csv").open("w", newline="") as file:
        lines = csv.writer(file, delimiter=";")
        lines.writerow(["set", "name", "person_id", "camera_id", "embedding"])
        for role, name, pid, camid, vector in _rows(w):
            lines.writerow([role, name, pid, camid, json.dumps([float(x) for x in vector])])
    return [folder / "texts.csv"]


def write_pickle(folder, w):
    content = _layumi(w) | {"epoch": 3, "note": "a text"}
    (folder / "result.pkl").write_bytes(pickle.dumps(content, 4))
    return [folder / "result.pkl"]


def write_named(folder, w):
    """People and cameras as texts."""
    arrays = {}
    for name in ("query", "gallery"):
        side = getattr(w, name)
        arrays[f"{name}_feats"] = side.features
        arrays[f"{name}_pids"] = [str(pid) if pid < 1 else f"person_{pid}" for pid in side.pid]
        arrays[f"{name}_cams"] = [f"{camera}-east" for camera in side.camid]
    np.savez(folder / "named.npz", **arrays)
    return [folder / "named.npz"]


def write_roles(folder, w):
    """All test tracklets in one list with the rows of each side."""
    both = [np.concatenate([getattr(w.gallery, n), getattr(w.query, n)]) for n in ("features", "pid", "camid")]
    size = len(w.gallery.pid)
    rows = {"query": size + np.arange(len(w.query.pid)), "gallery": np.arange(size)}
    np.savez(folder / "test.npz", **dict(zip(("feats", "pids", "cams"), both, strict=True)), **rows)
    return [folder / "test.npz"]


def write_parquet(folder, w):
    import pyarrow
    import pyarrow.parquet as parquet

    columns = zip(*_rows(w), strict=True)
    named = dict(zip(("role", "tracklet", "pid", "camid", "embedding"), map(list, columns), strict=True))
    parquet.write_table(pyarrow.table(named), folder / "rows.parquet")
    return [folder / "rows.parquet"]


def write_batches(folder, w):
    """A file for each batch, as TF-CLIP keeps its features; labels beside them."""
    inside = folder / "batches"
    inside.mkdir()
    for name, side in (("q_feat", w.query), ("g_feat", w.gallery)):
        for number, part in enumerate(np.array_split(side.features, 12)):  # 10 comes behind 9, not behind 1
            torch.save(torch.from_numpy(part), inside / f"{name}_{number}.pt")
    return [inside, write_qf_gf(folder, w)[2]]


def write_one_list(folder, w):
    """feat_0.pt, feat_1.pt, ... as AG-VPReID's baseline saves them: the queries, then the gallery."""
    inside = folder / "visualize_feats"
    inside.mkdir()
    both = np.concatenate([w.query.features, w.gallery.features])
    for number, part in enumerate(np.array_split(both, 12)):
        torch.save(torch.from_numpy(part), inside / f"feat_{number}.pt")
    return [inside, write_qf_gf(folder, w)[2]]


def write_fast_reid_demo(folder, w):
    """A file for each image, with its labels in its name."""
    for name in ("query", "gallery"):
        side = getattr(w, name)
        (folder / name).mkdir()
        for row, (pid, camera, vector) in enumerate(zip(side.pid, side.camid, side.features, strict=True)):
            np.save(folder / name / f"{pid:04d}_c{camera}s1_{row:06d}_00.npy", vector[None])
    return ["--query", folder / "query", "--gallery", folder / "gallery"]


def write_multi_query(folder, w):
    """A second file has three images for each query, whose mean is the query of this world."""
    random = np.random.default_rng(1)
    shown = np.repeat(np.arange(len(w.query.pid)), 3)
    images = random.standard_normal((len(shown), w.query.features.shape[1])).astype(np.float32)
    order = random.permutation(len(shown))
    shown, images = shown[order], images[order]
    w.query.features = np.stack([images[shown == query].mean(0) for query in range(len(w.query.pid))])
    labels = {"mquery_label": w.query.pid[shown][None], "mquery_cam": w.query.camid[shown][None]}
    savemat(folder / "multi_query.mat", {"mquery_f": images, **labels})
    return [*write_layumi(folder, w), folder / "multi_query.mat"]


def write_naic(folder, w):
    """fast-reid's branch for NAIC: a matrix alone; labels beside it."""
    np.save(folder / "distmat.npy", w.distance)
    return [folder / "distmat.npy", write_qf_gf(folder, w)[2]]


def write_distances(folder, w):
    """The twin of a matrix: the form of this program with the distances in a file of their own."""
    np.save(folder / "own-distance.npy", w.distance)
    return [*write_npz(folder, w), "--distance", folder / "own-distance.npy"]


def write_cameraless(folder, w):
    """The same of a world without cameras."""
    arrays = {"distmat": w.distance}
    for letter, side in (("q", w.query), ("g", w.gallery)):
        arrays |= {f"{letter}_pids": side.pid, f"{letter}_tracklets": tracklets(side)}
    np.savez(folder / "own-cameraless.npz", **arrays)
    return [folder / "own-cameraless.npz", "--no-similarity"]


SHAPES = {
    "layumi": write_layumi,
    "layumi as columns": write_layumi_columns,
    "MATLAB 7.3": write_matlab73,
    "BUPTCampus": write_bupt,
    "qf and gf": write_qf_gf,
    "torch dict": write_torch_dict,
    "torch sides": write_torch_sides,
    "aliases": write_aliases,
    "two tensors": write_two_tensors,
    "npy": write_npy,
    "HDF5": write_hdf5,
    "CSV": write_csv,
    "CSV of texts": write_csv_texts,
    "pickle": write_pickle,
    "names": write_named,
    "roles": write_roles,
    "numbered batches": write_batches,
    "numbered batches of one list": write_one_list,
}
MATRICES = {
    "distmat": write_distmat,
    "MEVID": write_mevid,
    "MEVID, negative": write_mevid_negative,
    "AG-VPReID": write_ag_vpreid,
    "NAIC": write_naic,
}

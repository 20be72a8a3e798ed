"""wildlife-tools' FeatureDataset as it is saved, and as a pickle of the object itself."""

import pickle
import sys
from types import ModuleType

import numpy as np
import pickle_layouts as layouts

MODULE = "wildlife_tools.data.dataset"


def columns(side):
    """The columns of the metadata, people and cameras as texts."""
    people = [str(pid) if pid < 1 else f"animal {pid}" for pid in side.pid]
    paths = [f"images/{name:04d}.jpg" for name in side.names]
    return {"image_id": side.names, "identity": people, "path": paths, "camera": [f"trap {c}" for c in side.camid]}


def make_metadata(side):
    """The metadata as a data frame of pandas, with columns that nobody needs."""
    import pandas

    more = {"date": pandas.to_datetime(["2026-01-02"] * len(side.pid)), "bbox": [[1, 2, 3, 4]] * len(side.pid)}
    return pandas.DataFrame(columns(side) | more).astype({"camera": "category"})


def write_wildlife(folder, w):
    """What FeatureDataset.save writes, a file for the queries and one for the database."""
    paths = [folder / "query.pkl", folder / "database.pkl"]
    for path, side in zip(paths, (w.query, w.gallery), strict=True):
        content = {"features": side.features, "metadata": make_metadata(side), "col_label": "identity"}
        path.write_bytes(pickle.dumps(content | {"load_label": True}, pickle.HIGHEST_PROTOCOL))
    return paths


def write_wildlife_object(folder, w):
    """Pickles of the datasets themselves. Their `labels` number the people of each anew."""
    import pandas

    names = [MODULE.rsplit(".", depth)[0] for depth in (2, 1, 0)]
    kind = type("FeatureDataset", (), {"__module__": MODULE})
    modules = {name: ModuleType(name) for name in names}
    modules[MODULE].FeatureDataset = kind
    paths = []
    sys.modules.update(modules)
    try:
        for name, side in (("query", w.query), ("gallery", w.gallery)):
            dataset, metadata = kind(), make_metadata(side)
            labels, found = pandas.factorize(metadata["identity"].values)
            dataset.__dict__ |= {"load_label": True, "features": side.features, "metadata": metadata}
            dataset.__dict__ |= {"col_label": "identity", "labels": labels, "labels_map": found}
            paths.append(folder / f"{name}.pkl")
            paths[-1].write_bytes(pickle.dumps(dataset))
    finally:
        for name in modules:
            del sys.modules[name]
    return ["--query", paths[0], "--gallery", paths[1]]


def write_old_wildlife(folder, w):
    """The first version saved features and metadata alone; metadata in the layout of pandas 1.0, with a split."""
    sides = columns(w.query), columns(w.gallery)
    both = {name: np.concatenate([side[name] for side in sides]) for name in sides[0]}
    features, size = np.concatenate([w.query.features, w.gallery.features]), len(both["identity"])
    both["split"] = np.array(["query"] * len(w.query.pid) + ["database"] * len(w.gallery.pid))
    texts = np.stack([both[name].astype(object) for name in ("identity", "path", "split")])
    blocks = [(both["image_id"][None].astype(np.int64), layouts.places(0, 1))]
    blocks += [(texts, np.array([1, 2, 4])), (layouts.categories(both["camera"].tolist(), True), layouts.places(3, 4))]
    metadata = layouts.legacy_frame(list(both), blocks, size)
    (folder / "features.pkl").write_bytes(layouts.to_pickle({"features": features, "metadata": metadata}, 2))
    return [folder / "features.pkl"]


def write_new_wildlife(folder, w):
    """With metadata in the layout of pandas 3, its texts those of Arrow."""
    paths = [folder / "query.pkl", folder / "gallery.pkl"]
    for path, side in zip(paths, (w.query, w.gallery), strict=True):
        metadata = layouts.new_frame(columns(side), len(side.pid))
        path.write_bytes(layouts.to_pickle({"features": side.features, "metadata": metadata, "col_label": "identity"}))
    return paths

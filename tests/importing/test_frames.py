"""Features of frames are pooled into tracklets, and body parts are compared each on its own."""

import tracemalloc

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from vreid_bench import InputError
from vreid_bench.importing.frames import pool_spans, read_spans
from vreid_bench.importing.hdf5 import StoredMatrix
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.frame_pool import make_pool


def mars(seed=0, tracklets=40, width=5):
    """Frames in the order of MARS's names, the index of the tracklets, and the queries, counted from 1."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 9, tracklets)
    last = np.cumsum(sizes)
    pid, camid = random.integers(-1, 6, tracklets), random.integers(1, 4, tracklets)
    frames = random.standard_normal((int(last[-1]), width)).astype(np.float32)
    index = np.stack([last - sizes + 1, last, pid, camid], 1)
    return frames, index, np.flatnonzero(pid > 0)[:12] + 1


def write_index(folder, index, queries):
    savemat(folder / "tracks_test_info.mat", {"track_test_info": index})
    savemat(folder / "query_IDX.mat", {"query_IDX": queries[None]})
    return [folder / "tracks_test_info.mat", folder / "query_IDX.mat"]


def pooled_by_hand(frames, index, how):
    return np.stack([how(frames[first - 1 : last], 0) for first, last, _, _ in index])


@pytest.mark.parametrize(("pool", "how"), [("average", np.mean), ("max", np.max)])
@pytest.mark.parametrize("form", ["mat", "npy", "MATLAB 7.3", "npz of rows"])
def test_frames_of_mars_score_as_their_pooled_tracklets(cli_json, tmp_path, pool, how, form):
    frames, index, queries = mars()
    beside = write_index(tmp_path, index, queries)
    if form == "mat":
        savemat(tmp_path / "ide_feat_test.mat", {"feat": frames.T})
        path = tmp_path / "ide_feat_test.mat"
    elif form == "npy":
        np.save(tmp_path / "feat.npy", frames.T)
        path = tmp_path / "feat.npy"
    elif form == "npz of rows":
        np.savez(tmp_path / "any.npz", feat=frames)
        path = tmp_path / "any.npz"
    else:
        with h5py.File(tmp_path / "big.mat", "w", userblock_size=512) as file:
            dataset = file.create_dataset("ide_feat_test", data=frames)  # MATLAB's [E, F] is [F, E] in the file
            dataset.attrs["MATLAB_class"] = np.bytes_("single")
        path = tmp_path / "big.mat"
    found = cli_json("score", path, *beside, "--pool", pool)["conventions"]
    vectors = pooled_by_hand(frames, index, how)
    rows = queries - 1
    for name, chosen in (("query", rows), ("gallery", np.arange(len(index)))):
        columns = {"embedding": vectors[chosen], "pid": index[chosen, 2], "camid": index[chosen, 3]}
        np.savez(tmp_path / f"{name}.npz", **columns)
    expected = cli_json("score", "--query", tmp_path / "query.npz", "--gallery", tmp_path / "gallery.npz")[
        "conventions"
    ]
    assert found == expected


def test_rows_of_frames_in_a_table_are_pooled_by_their_tracklets(cli, cli_json, tmp_path):
    frames, index, queries = mars()
    lines, twin = [], []
    for row, (first, last, pid, camid) in enumerate(index):
        role = "both" if row + 1 in queries else "gallery"
        for number in range(first - 1, last):
            lines.append([f"t{row}", number, role, pid, camid, *map(float, frames[number])])
        twin.append([f"t{row}", role, pid, camid, *map(float, frames[first - 1 : last].mean(0))])
    random = np.random.default_rng(0)
    random.shuffle(lines)
    header = ",".join(f"e{i}" for i in range(frames.shape[1]))
    (tmp_path / "frames.csv").write_text(
        "\n".join([f"tracklet,frame,role,pid,camid,{header}", *(",".join(map(str, line)) for line in lines)])
    )
    (tmp_path / "twin.csv").write_text(
        "\n".join([f"tracklet,role,pid,camid,{header}", *(",".join(map(str, line)) for line in twin)])
    )
    found = cli_json("score", tmp_path / "frames.csv")["conventions"]
    expected = cli_json("score", tmp_path / "twin.csv")["conventions"]
    for convention, numbers in expected.items():  # the sums are of other orders
        assert found[convention]["mAP"] == pytest.approx(numbers["mAP"], abs=1e-9)
        assert found[convention]["R1"] == numbers["R1"]
    assert "pooled by average into 40 tracklets" in cli("score", tmp_path / "frames.csv").stderr


def test_an_aggregator_that_is_trained_is_refused(cli, tmp_path):
    frames, index, queries = mars()
    np.save(tmp_path / "feat.npy", frames)
    result = cli("score", tmp_path / "feat.npy", *write_index(tmp_path, index, queries), "--pool", "netvlad")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("error: ")


def test_a_large_matrix_is_never_held_whole(tmp_path):
    """16 MB of frames on disk, in less than 10 MB of memory."""
    size, width = 16000, 256
    with h5py.File(tmp_path / "big.h5", "w") as file:
        file.create_dataset("feat", data=np.ones((size, width), np.float32), chunks=(500, width))
    index = np.stack([np.arange(1, size, 16), np.arange(16, size + 1, 16), np.ones(1000), np.ones(1000)], 1)
    with h5py.File(tmp_path / "big.h5") as file:
        stored = StoredMatrix(file["feat"], turned=False)
        tracemalloc.start()
        pooled = pool_spans(stored, read_spans(index, "index"), lambda frames: frames[:, :4].mean(0), "feat")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (pooled == 1).all()
    assert pooled.shape == (1000, 4)
    assert peak < 10 << 20


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (np.ones((3, 5)), r"expected \[N, 4\] whole numbers"),
        (np.array([[0, 3, 1, 1]]), "row 0 has frames 0 to 3; expected them counted from 1"),
        (np.array([[5, 3, 1, 1]]), "row 0 has frames 5 to 3"),
        (np.array([[1, 3, 2**64 - 1, 1]], np.uint64), "holds 18446744073709551615, expected numbers below"),
        (np.array([[1, 3, 1 << 24, 1]], np.float32), "holds 16777216 as float32"),
    ],
)
def test_an_index_that_cannot_be_meant_is_refused(index, message):
    with pytest.raises(InputError, match=message):
        read_spans(index, "info.mat: track_test_info")


def test_frames_that_do_not_fit_the_index_are_refused(cli, tmp_path):
    frames, index, queries = mars()
    np.save(tmp_path / "feat.npy", frames[:-3])
    result = cli("score", tmp_path / "feat.npy", *write_index(tmp_path, index, queries))
    assert (result.exit_code, "does not fit tracklets of" in result.stderr) == (2, True)


def test_body_parts_are_compared_each_on_its_own(cli_json, tmp_path):
    """OpenGait: [N, C, P], the mean over parts of Euclidean distances."""
    random = np.random.default_rng(0)
    sides, arrays = {}, {}
    for name, size in (("probe", 12), ("gallery", 30)):
        pid = random.integers(1, 6, size)
        vectors = (random.standard_normal((7, 4, 3))[pid] + random.standard_normal((size, 4, 3))).astype(np.float32)
        views = random.choice(["000", "090", "180"], size)
        sides[name] = (pid, vectors, views)
        arrays |= {f"{name}_embeddings": vectors, f"{name}_labels": [f"{p:03d}" for p in pid]}
        arrays |= {f"{name}_types": ["nm-01"] * size, f"{name}_views": views}
    np.savez(tmp_path / "gait.npz", **arrays)
    (query_pid, query, _), (_, gallery, _) = sides["probe"], sides["gallery"]
    distance = np.array(
        [
            [
                np.mean([np.linalg.norm(q[:, p].astype(float) - g[:, p].astype(float)) for p in range(3)])
                for g in gallery
            ]
            for q in query
        ]
    )
    labels = {}
    for letter, name in (("q", "probe"), ("g", "gallery")):
        labels |= {f"{letter}_pids": sides[name][0], f"{letter}_camids": [int(v) for v in sides[name][2]]}
    np.savez(tmp_path / "twin.npz", distmat=distance, **labels)
    found = cli_json("score", tmp_path / "gait.npz")["conventions"]
    assert found == cli_json("score", tmp_path / "twin.npz", "--no-similarity")["conventions"]
    assert len(query_pid) >= found["gallery-as-listed"]["queries"] > 5


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<i8", "<u4", "longdouble"])
def test_frames_are_pooled_in_the_precision_of_their_type(kind):
    pool = make_pool("average", Registry.installed())
    frames = np.array([[2**25 + 1], [2**25 + 3]]).astype(kind)  # float32 has neither
    assert pool(frames).tolist() == [2**25 + 2]


def test_masked_frames_are_refused():
    frames = np.ma.masked_array(np.ones((3, 2)), [[False, True]] * 3)
    with pytest.raises(InputError, match="feat is masked at 3 of 6 places"):
        pool_spans(frames, read_spans(np.array([[1, 3, 1, 1]]), "index"), lambda each: each.mean(0), "feat")

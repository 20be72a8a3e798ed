"""Damaged, foreign and hostile files: one sentence, exit code 2, and no code of theirs runs."""

import io
import json
import os
import pickle
import random
import struct
import zipfile

import h5py
import numpy as np
import pytest
import torch
from brought_files import MATRICES, SHAPES, world
from scipy.io import savemat

from vreid_bench import InputError
from vreid_bench.importing import recognition


class Trap:
    """Unpickled as intended, it leaves a file behind."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


# forms of more than one file, or of a folder
SEVERAL = (
    "BUPTCampus",
    "qf and gf",
    "torch sides",
    "two tensors",
    "npy",
    "numbered batches",
    "numbered batches of one list",
)


def refuse(cli, path, *more):
    """The sentence by which a file is refused."""
    result = cli("score", path, *more)
    assert result.exit_code == 2, result.output
    *printed, last = result.stderr.splitlines()
    assert last.startswith("error: ")
    assert all("->" in line for line in printed)
    return last


@pytest.mark.parametrize("form", ["pickle", "torch", "old torch", "pickle in npz", "pickle protocol 0"])
def test_no_code_of_a_file_runs(cli, tmp_path, form):
    place, path = tmp_path / "trapped", tmp_path / "file"
    content = {"qf": np.ones((2, 2)), "gf": Trap(place)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content, 4))
    elif form == "pickle protocol 0":
        path.write_bytes(pickle.dumps(content, 0))
    elif form == "pickle in npz":
        np.savez(path, gf=np.array([Trap(place)], object))
        path = path.with_suffix(".npz")
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "torch")
    refuse(cli, path)
    assert not place.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; expected features or distances with their labels"),
        (b"\xff\xd8\xff\xe0 JFIF", "it is a JPEG picture of 9 bytes"),
        (b"\x89PNG\r\n", "it is a PNG picture"),
        (b"\x1f\x8b\x08", "it is a gzip archive; unpack it first"),
        (b"just a few words\nand no columns\n", "it is a text without columns that begins 'just a few words"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "it is of no known kind: 9 bytes that begin 00 01 02 03"),
        (b"MATLAB 5.0 MAT-file, and nothing", "cannot be read as MATLAB file"),
        (b"\x93NUMPY\x01\x00", "cannot be read as npy file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "cannot be read as HDF5 file"),
        (b"PK\x03\x04 no archive", "cannot be read as npz or as a file of torch.save"),
        (b"\x80\x04\x95", "cannot be read as pickle"),
        (b"a,b\n1,2\n", "CSV table with a [1], b [1]: no key that is known"),
        (b"pid,pid\n1,2\n", "its column 'pid' stands there twice, expected each name once"),
        (b"pid,camid,e0,e1\n1,2,3\n", "line 2 has 3 fields, the first line 4"),
        (b"pid,camid,e0,e1\n1,2,3,x\n", 'line 2 has "x" where a number of the features is expected'),
        (b"pid,camid,e0,e1\n1,2,3,4\n", "nothing says which of its 1 rows are queries"),
        (b"role,pid,e0,e1\nquery,1,3,4\n", "no row is gallery"),
        (b"role,pid,e0,e1\nquery,1,3,4\nmaybe,1,3,4\n", "holds 'maybe', expected query, gallery or both"),
        (b"row_id,query_tracklet,gallery_tracklets\n0,a,b c\n", ""),
    ],
)
def test_strange_files_are_described_in_a_sentence(cli, tmp_path, content, message):
    (tmp_path / "file.npz").write_bytes(content)
    assert message in refuse(cli, tmp_path / "file.npz")


def test_a_zip_of_pictures_and_a_folder_without_files_are_described(cli, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.mat", "w") as archive:
        archive.writestr("0001/a.jpg", b"x")
    assert "it is a zip archive with 0001/a.jpg; unpack it first" in refuse(cli, tmp_path / "a.mat")
    (tmp_path / "empty").mkdir()
    assert "the folder is empty" in refuse(cli, tmp_path / "empty")
    assert "the file does not exist" in refuse(cli, tmp_path / "missing.mat")


def test_weights_and_rankings_are_told_from_features(cli, tmp_path):
    torch.save({"state_dict": {"conv.weight": torch.ones(2, 2)}, "epoch": 3}, tmp_path / "model.pth.tar")
    assert "the weights of a network, not features" in refuse(cli, tmp_path / "model.pth.tar")
    (tmp_path / "r.csv").write_text("videoId,rank1,rank2\n0,a,b\n")
    assert "a ranking; give it with --ranking" in refuse(cli, tmp_path / "r.csv")
    (tmp_path / "a.run").write_text("q1 Q0 d1 1 0.5 tag\n")
    assert "a ranking; give it with --ranking" in refuse(cli, tmp_path / "a.run")


def test_sides_and_labels_that_are_missing_are_named(cli, tmp_path):
    w = world()
    np.savez(tmp_path / "half.npz", qf=w.query.features, q_pids=w.query.pid)
    assert "holds nothing of the gallery, only of the query" in refuse(cli, tmp_path / "half.npz")
    np.savez(tmp_path / "bare.npz", qf=w.query.features, gf=w.gallery.features)
    assert "add a file with its labels, for instance a CSV" in refuse(cli, tmp_path / "bare.npz")
    np.savez(tmp_path / "labels.npz", q_pids=w.query.pid, g_pids=w.gallery.pid)
    assert "neither features nor distances" in refuse(cli, tmp_path / "labels.npz")
    np.savez(tmp_path / "twice.npz", qf=w.query.features, query_feat=2 * w.query.features)
    assert "these are features of the queries, and so is" in refuse(cli, tmp_path / "twice.npz")


def test_ids_that_lost_digits_are_refused(cli, tmp_path):
    w = world()
    w.query.pid, w.gallery.pid = ((pid + (1 << 24)).astype(np.float32) for pid in (w.query.pid, w.gallery.pid))
    SHAPES["aliases"](tmp_path, w)
    assert "whole number only below 2^24" in refuse(cli, tmp_path / "wild.npz")


def test_a_matrix_of_distances_takes_no_metric_and_names_of_another_number_are_refused(cli, tmp_path):
    [path] = MATRICES["AG-VPReID"](tmp_path, world())
    for option in (("--metric", "cosine"), ("--rerank", "zhong"), ("--matcher", "mean")):
        assert "the distances are computed already" in refuse(cli, path, *option)
    w = world()
    w.query.camid = w.query.camid[:-1]
    assert "camid must have a row for each of the 16 tracklets" in refuse(cli, *MATRICES["AG-VPReID"](tmp_path, w))


@pytest.mark.parametrize("wrong", [(3, 4), (16, 61), (60,)])
def test_a_matrix_of_another_shape_is_refused(cli, tmp_path, wrong):
    w = world()
    w.distance = np.zeros(wrong, np.float32)
    assert "Q, G]" in refuse(cli, *MATRICES["MEVID"](tmp_path, w))


def test_files_that_unpack_to_more_than_they_can_hold_are_refused(cli, tmp_path):
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("gf", shape=(1 << 30, 1 << 10), dtype=np.float32, chunks=(1 << 10, 1 << 10))
    assert "the file does not hold them" in refuse(cli, tmp_path / "bomb.h5")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gf.npy", bytes(1 << 28))
    assert "unpacks to 268,435,456 bytes, which no features do" in refuse(cli, tmp_path / "bomb.npz")
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 1 << 10)})
    (tmp_path / "bomb.npy").write_bytes(head.getvalue())
    assert "cannot be read as npy file" in refuse(cli, tmp_path / "bomb.npy")


def test_a_safetensors_header_that_lies_is_refused(cli, tmp_path):
    header = json.dumps({"gf": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    (tmp_path / "x").write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    assert "cannot be read as safetensors file" in refuse(cli, tmp_path / "x")


def single_files():
    """The shapes that are one file, whose bytes can be spoilt."""
    return [name for name in SHAPES if name not in SEVERAL]


@pytest.mark.parametrize("shape", single_files())
def test_cut_and_spoilt_files_end_in_a_sentence_or_a_score(cli, tmp_path, shape):
    path = SHAPES[shape](tmp_path, world())[0]
    whole = path.read_bytes()
    source = random.Random(shape)
    for cut in (0, 1, 7, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:cut])
        check(cli, path)
    for _ in range(12):
        spoilt = bytearray(whole)
        for _ in range(source.choice((1, 4, 32))):
            spoilt[source.randrange(len(spoilt))] = source.randrange(256)
        path.write_bytes(spoilt)
        check(cli, path)


def check(cli, path):
    result = cli("score", path)
    assert result.exit_code in (0, 2), result.output
    if result.exit_code == 2:
        assert result.stderr.splitlines()[-1].startswith("error: "), result.output


def test_a_mat_with_structs_and_cells_is_read(cli_json, tmp_path):
    w = world()
    sides = {
        name: {"features": s.features, "pids": s.pid, "cams": np.array([f"c{c}" for c in s.camid], object)}
        for name, s in (("query", w.query), ("gallery", w.gallery))
    }
    savemat(tmp_path / "struct.mat", sides)
    found = cli_json("score", tmp_path / "struct.mat")["conventions"]
    assert found == cli_json("score", *SHAPES["aliases"](tmp_path, w))["conventions"]


def test_a_fault_of_our_own_is_not_taken_for_an_unknown_file(tmp_path, monkeypatch):
    """It ended once as "a text without columns": the wrong answer, and the fault unseen."""

    def broken(path, head):
        raise NameError("a name is not defined")

    monkeypatch.setattr(recognition, "FAMILIES", (recognition.Family("broken", broken, None),))
    (tmp_path / "a").write_text("1 2 3")
    with pytest.raises(NameError):
        recognition.read_content(tmp_path / "a")


@pytest.mark.parametrize("kind", ["npz", "pt"])
def test_an_archive_that_is_cut_anywhere_is_a_sentence(tmp_path, kind):
    """At every length, so that each thing that an archive's reader can raise is met."""
    path = tmp_path / f"whole.{kind}"
    if kind == "npz":
        np.savez(path, embedding=np.eye(2), pid=[0, 1])
    else:
        torch.save({"embedding": torch.eye(2)}, path)
    whole = path.read_bytes()
    for end in range(1, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError):
            recognition.read_content(path)


def test_multi_query_alone_says_what_is_missing(cli, tmp_path):
    savemat(
        tmp_path / "multi_query.mat",
        {"mquery_f": np.ones((3, 2)), "mquery_label": [[1, 2, 3]], "mquery_cam": [[1, 1, 1]]},
    )
    assert "add the files with both" in refuse(cli, tmp_path / "multi_query.mat")

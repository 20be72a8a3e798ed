"""Inputs that broke other programs, and defects that were measured here: one test for each, by its number.

7.1 lists what users reported elsewhere, 7.3 what this program did at version 1205663, which the docstrings quote. The
names of the tests have these numbers. The rules behind them are tested in the rooms that hold them.
"""

import csv

import numpy as np
import pytest
import simplejpeg
from scipy.io import savemat

from vreid_bench.planning.plan import RunRequest, plan_run
from vreid_bench.registry.registry import Registry

RULE = ("--convention", "gallery-as-listed")
PEOPLE = 12


def tracklet_list(noise=0.5, seed=0):
    """PEOPLE people in four cameras as features: [N, E], pid [N] and camid [N]; two cameras are the queries."""
    random = np.random.default_rng(seed)
    pid, camid = np.tile(np.arange(1, PEOPLE + 1), 4), np.repeat([1, 2, 3, 4], PEOPLE)
    centre = random.standard_normal((PEOPLE + 1, 16))
    return (centre[pid] + noise * random.standard_normal((len(pid), 16))).astype(np.float32), pid, camid


@pytest.fixture
def given(tmp_path):
    """Write features with labels into an .npz for each side; returns the arguments of `score`."""

    def write(vectors, pid, camid, **more):
        half = len(pid) // 2
        for side, rows in (("query", slice(half)), ("gallery", slice(half, None))):
            arrays = {"embedding": vectors, "pid": pid, "camid": camid, **more}
            np.savez(tmp_path / f"{side}.npz", **{name: np.asarray(array)[rows] for name, array in arrays.items()})
        return ["--query", tmp_path / "query.npz", "--gallery", tmp_path / "gallery.npz", *RULE]

    return write


@pytest.fixture
def custom(tmp_path):
    """Write a folder with `tracklets.csv` and its frames, each with pixels of its own; returns the folder."""
    random = np.random.default_rng(0)

    def write(rows, frames=2):
        root = tmp_path / "own"
        lines = [("split", "pid", "camid", "frames")]
        for number, (split, pid, camid) in enumerate(rows):
            folder = root / f"t{number}"
            folder.mkdir(parents=True)
            for frame in range(frames):
                pixels = random.integers(0, 256, (32, 16, 3), dtype=np.uint8)
                (folder / f"{frame}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels))
            lines.append((split, pid, camid, folder.name))
        with (root / "tracklets.csv").open("w", newline="") as file:
            csv.writer(file).writerows(lines)
        return root

    return write


TRAINED = [("train", f"person_{p}", camera) for p in (1, 2) for camera in "AB"]
TESTED = [(split, f"person_{p}", camera) for p in (7, 8) for split, camera in (("query", "A"), ("gallery", "B"))]


def plan(root):
    """All that `run` decides before it trains."""
    return plan_run(Registry.installed(), RunRequest("mean-pooling", "custom", preset="small", data=root, quiet=True))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))


def test_7_1_2_identities_and_cameras_as_text(cli, cli_json, given, custom):
    """`score` refused them, `custom` took them."""
    vectors, pid, camid = tracklet_list()
    names = np.array([f"person_{p}" for p in pid]), np.array([*"?ABCD"])[camid]
    assert (
        cli_json("score", *given(vectors, *names))["conventions"]
        == cli_json("score", *given(vectors, pid, camid))["conventions"]
    )
    checked = cli("data", "verify", "tracklets", "--data", custom(TRAINED + TESTED))
    assert (checked.exit_code, "no problems" in checked.stdout) == (0, True)


@pytest.mark.parametrize(("dtype", "exact"), [("float32", 2**24), ("float16", 2**11), ("uint64", 2**63)])
def test_7_1_3_and_7_3_1_identities_that_lost_digits(cli, given, dtype, exact):
    """People were merged without a word, 47.0 -> 30.4 mAP; uint64 became negative."""
    vectors, pid, camid = tracklet_list()
    result = cli("score", *given(vectors, (pid.astype(np.uint64) + np.uint64(exact)).astype(dtype), camid))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "pid holds" in result.stderr


def test_7_1_4_and_7_3_5_one_camera_or_none(cli, cli_json, custom, tmp_path):
    """`run` trained to the end first, and `data verify` said "no problems"; scoring without cameras was refused."""
    root = custom([(split, pid, "A") for split, pid, _ in TRAINED + TESTED])
    runs = tmp_path / "runs"
    told = cli(
        "run", "--plugin", "mean-pooling", "--protocol", "custom", "--preset", "small", "--data", root, "--runs", runs
    )
    checked = cli("data", "verify", "tracklets", "--data", root)
    assert (told.exit_code, checked.exit_code, runs.exists()) == (2, 2, False)
    for text in (told.stderr, checked.stdout):
        assert "none of 2 queries has a match in the gallery" in text
        assert "such as t4/0.jpg of person person_7 in camera A" in text
    vectors, pid, _ = tracklet_list()
    np.savez(tmp_path / "none.npz", qf=vectors[:24], gf=vectors[24:], q_pids=pid[:24], g_pids=pid[24:])
    assert cli_json("score", tmp_path / "none.npz")["conventions"]["gallery-as-listed"]["queries"] == 24


def test_7_1_5_masked_identities(cli, given):
    """Permuted or equal identities were scored without remark."""
    vectors, pid, camid = tracklet_list()
    permuted = np.where(np.arange(len(pid)) < len(pid) // 2, pid % PEOPLE + 1, pid)
    told = cli("score", *given(vectors, permuted, camid)).stdout
    assert (
        "these distances are no better. Check that queries and gallery number people alike (some challenges mask"
        in told
    )
    told = cli("score", *given(vectors, np.full(len(pid), 2), camid, tracklet=np.arange(len(pid)).astype(str))).stdout
    assert "all 24 queries and all 24 gallery items that take a rank show person 2, so every order of them is" in told
    assert "some challenges mask the ids" in told


def test_7_1_10_and_7_3_4_ties_in_favour_of_the_list_order(cli, cli_json, given):
    """Constant embeddings whose person is listed first had an mAP of 100.0."""
    pid = np.concatenate([np.ones(PEOPLE, int), np.ones(PEOPLE // 2, int), np.arange(2, 2 + PEOPLE // 2)])
    camid = np.repeat([1, 2], PEOPLE)
    names = [f"t{row}" for row in range(len(pid))]
    files = given(np.ones((len(pid), 8), np.float32), pid, camid, tracklet=names)
    listed, expected = cli_json("score", *files), cli_json("score", *files, "--ties", "expected")
    assert listed["conventions"]["gallery-as-listed"]["mAP"] == 1.0
    assert listed["ties"] == {"gallery-as-listed": {"tied": 72, "matches": 72}}
    assert expected["conventions"]["gallery-as-listed"]["mAP"] < 0.7
    told = cli("score", *files).stdout
    assert "72 of 72 matches are exactly as near as an item that is no match" in told
    assert "a model that has collapsed" in told


@pytest.mark.parametrize("decode", [(), ("--decode",)])
def test_7_1_11_and_7_3_5_the_same_picture_on_both_sides(cli, custom, own_cache, capsys, decode):
    """`data verify --decode` said "no problems": only equal paths were caught."""
    root = custom(TRAINED + TESTED)
    for frame in ("0.jpg", "1.jpg"):
        (root / "t5" / f"copy_{frame}").write_bytes((root / "t4" / frame).read_bytes())  # a query, and its match
    checked = cli("data", "verify", "tracklets", "--data", root, *decode)
    told = (
        "2 test frames are the same picture as one that is in another test tracklet, such as t5/copy_0.jpg and t4/0.jpg"
    )
    assert (checked.exit_code, told in checked.stdout) == (2, True)
    planned = plan(root)
    assert told in capsys.readouterr().err
    assert any(told in note for note in planned.folds[0].dataset.notes)


def test_7_1_11_and_7_3_5_a_frame_that_repeats(cli, custom, own_cache, capsys):
    """A tracklet with one frame twice was told by nobody. A still camera gives such frames, so that it is a note."""
    root = custom(TRAINED + TESTED)
    (root / "t1" / "7.jpg").write_bytes((root / "t1" / "0.jpg").read_bytes())
    told = (
        "1 frames of 1 tracklets are the same picture as an earlier frame of their tracklet, such as t1/7.jpg and t1/0"
    )
    for decode in ((), ("--decode",)):
        checked = cli("data", "verify", "tracklets", "--data", root, *decode)
        assert (checked.exit_code, f"note: tracklets: {told}" in checked.stdout) == (0, True)
    plan(root)
    assert f"note: tracklets: {told}" in capsys.readouterr().err


@pytest.mark.parametrize("power", [-30, -22, 22, 30])
def test_7_3_2_the_cosine_of_small_vectors(cli_json, given, power):
    """The same features times 1e-22 gave 46.9 instead of 47.0, times 1e-30 gave 4.2."""
    vectors, pid, camid = tracklet_list(noise=2.0)
    plain = cli_json("score", *given(vectors, pid, camid))["conventions"]
    scaled = cli_json("score", *given(vectors * np.float32(2.0 ** round(power / np.log10(2))), pid, camid))[
        "conventions"
    ]
    assert scaled == plain
    assert plain["gallery-as-listed"]["mAP"] < 1


@pytest.mark.parametrize("people", [1, 2, 3])
def test_7_3_3_an_interval_over_hardly_anybody(cli, cli_json, given, people):
    """It said "mAP 14.5, 95 % 14.5-14.5" of one person."""
    vectors, pid, camid = (column[np.tile(np.arange(PEOPLE) < people, 4)] for column in tracklet_list())
    files = given(vectors, pid, camid)
    found = cli_json("score", *files)["conventions"]["gallery-as-listed"]
    assert (found["interval"], found["people"]) == ({"mAP": None, "R1": None}, people)
    assert "no 95 % interval is given" in found["no_interval"]
    assert f"note: {found['no_interval']}" in cli("score", *files).stdout


@pytest.mark.parametrize("vectors", ["collapsed", "binarised"])
def test_7_3_6_vectors_that_collide_are_not_only_called_one_tracklet(cli, given, vectors):
    """They were refused as "the same tracklet", which binary and int8 vectors are not."""
    features, pid, camid = tracklet_list()
    camid = np.ones_like(camid) if vectors == "collapsed" else camid // 3
    features = np.ones_like(features) if vectors == "collapsed" else np.sign(features[:, :2]).astype(np.int8)
    result = cli("score", *given(features, pid, camid))
    assert (result.exit_code, "hold the same tracklet" in result.stderr) == (2, True)
    for reading in ("name each in an array `tracklet`", "binary or int8 codes", "collapsed", "wrong normalisation"):
        assert reading in result.stderr
    named = given(features, pid, camid // 3 + camid, tracklet=np.arange(len(pid)).astype(str))
    assert "hold the same tracklet" not in cli("score", *named).output


@pytest.mark.parametrize("spread", [1e-6, 1e-3])
def test_7_3_6_vectors_that_are_nearly_equal(cli, given, spread):
    """Not exactly equal, they got the note of chance alone."""
    _, pid, camid = tracklet_list()
    noise = np.random.default_rng(0).standard_normal((len(pid), 16))
    told = cli("score", *given((1 + spread * noise).astype(np.float32), pid, camid)).stdout
    assert "the vectors are nearly equal" in told
    for reading in ("binary or int8 codes", "collapsed", "wrong normalisation", "a random order has an mAP of"):
        assert reading in told


def test_7_3_7_foreign_files_by_their_content(cli, tmp_path):
    """`pytorch_result.mat` was "no zip file". What is not read is named with what it is and what would be read."""
    vectors, pid, camid = tracklet_list()
    half = len(pid) // 2
    arrays = {}
    for side, rows in (("query", slice(half)), ("gallery", slice(half, None))):
        arrays |= {f"{side}_f": vectors[rows], f"{side}_label": pid[None, rows], f"{side}_cam": camid[None, rows]}
    savemat(tmp_path / "pytorch_result.mat", arrays)
    assert cli("score", tmp_path / "pytorch_result.mat").exit_code == 0
    for content in (b"\x89PNG\r\n\x1a\n" + bytes(40), b"%PDF-1.7\n", b"two words", b""):
        (tmp_path / "foreign.mat").write_bytes(content)
        result = cli("score", tmp_path / "foreign.mat")
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
        assert "foreign.mat" in result.stderr
        assert "zip" not in result.stderr
        assert "query_f [Q, E]" in result.stderr

"""MARS on the published index files, if VREID_MARS_INFO names their folder."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from mars_tree import index_of
from scipy.io import loadmat, savemat

from vreid_bench import DISTRACTOR, Split
from vreid_plugins.datasets.mars.reader import Mars

INFO = os.environ.get("VREID_MARS_INFO")
pytestmark = pytest.mark.slow

official = pytest.mark.skipif(not INFO, reason="VREID_MARS_INFO does not name the folder of the published .mat files")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published index files with frame names that fit them; no frames."""
    root = tmp_path_factory.mktemp("published")
    for folder in ("bbox_train", "bbox_test", "info"):
        (root / folder).mkdir()
    for file in ("tracks_train_info.mat", "tracks_test_info.mat", "query_IDX.mat"):
        shutil.copy(Path(str(INFO)) / file, root / "info" / file)
    for part in ("train", "test"):
        rows = loadmat(root / f"info/tracks_{part}_info.mat")[f"track_{part}_info"].tolist()
        names = index_of([(pid, camera, last - first + 1) for first, last, pid, camera in rows])[1]
        (root / f"info/{part}_name.txt").write_text("\n".join(names) + "\n")
    return root


@pytest.fixture(scope="module")
def split(published: Path) -> Split:
    """The published lists as they are read."""
    (only,) = Mars().read(published).splits
    return only


@official
def test_the_published_index_files_are_known_by_their_hash(published: Path, tmp_path: Path) -> None:
    assert Mars().read(published).source == "official"
    shutil.copytree(published, tmp_path / "copy")
    path = tmp_path / "copy/info/query_IDX.mat"
    savemat(path, {"query_IDX": loadmat(path)["query_IDX"][:, :-1]})
    assert Mars().read(tmp_path / "copy").source == "unverified"


@official
def test_the_published_split_has_8298_and_12180_tracklets_and_1980_queries(split: Split) -> None:
    assert (len(split.train), len(split.test), len(split.query)) == (8298, 12180, 1980)
    assert sum(len(t.frames) for t in split.train) == 509914
    assert sum(len(t.frames) for t in split.test) == 681089
    assert split.gallery == tuple(range(12180))
    assert (split.query[0], split.query[-1]) == (4129, 12179)


@official
def test_the_published_identities_are_those_of_the_field(split: Split) -> None:
    query = {split.test[row].pid for row in split.query}
    others = [t for row, t in enumerate(split.test) if row not in set(split.query) and t.pid > DISTRACTOR]
    gallery = {t.pid for t in others}
    assert len({t.pid for t in split.train}) == 625
    assert len(query) == 626
    assert len(gallery) == 620
    assert len(query | gallery) == 634
    # queries whose person has no other tracklet at all, and persons never asked for
    assert query - gallery == {6, 152, 436, 454, 640, 782, 944, 1062, 1138, 1140, 1146, 1172, 1252, 1444}
    assert gallery - query == {12, 14, 154, 166, 982, 1034, 1104, 1354}


@official
def test_the_published_counts_agree_with_the_table(published: Path) -> None:
    counts = Mars().verify(published).counts
    found = {c.what: c.found for c in counts}
    assert (found["junk"], found["distractors"]) == (870, 3248)
    assert found["gallery without queries, without junk"] == 9330
    assert found["gallery with queries, without junk"] == 11310
    assert found["queries without a match, queries in the gallery"] == 0
    assert found["queries without a match, queries out of the gallery"] == 140
    assert [found[f"queries of camera {c}"] for c in range(1, 7)] == [524, 456, 319, 191, 384, 106]
    for c in counts:
        if "on disk" not in c.what:
            assert c.found == c.published, c.what


@official
def test_the_published_tracklets_have_the_lengths_of_the_field(split: Split) -> None:
    for part, longest, mean, short in ((split.train, (5, 900), 61.5, (0, 86)), (split.test, (2, 920), 55.9, (3, 209))):
        lengths = [len(t.frames) for t in part]
        assert (min(lengths), max(lengths)) == longest
        assert round(sum(lengths) / len(lengths), 1) == mean
        assert tuple(sum(length < frames for length in lengths) for frames in (4, 8)) == short


@official
def test_published_persons_to_train_on_may_have_one_camera_or_one_tracklet(split: Split) -> None:
    """So that samplers draw with replacement, and pairs across cameras need something to fall back on."""
    train = split.train
    tracklets = Counter(t.pid for t in train)
    cameras = Counter(pid for pid, _ in {(t.pid, t.camid) for t in train})
    assert (min(tracklets), max(tracklets)) == (1, 1499)
    assert sum(count == 1 for count in cameras.values()) == 6
    assert [sum(count < n for count in tracklets.values()) for n in (2, 4)] == [1, 45]
    assert max(tracklets.values()) == 271
    assert round(len(train) / len(tracklets), 1) == 13.3


@official
def test_140_published_queries_have_a_match_only_with_the_queries_in_the_gallery(split: Split) -> None:
    rows = set(split.query)
    asked = [split.test[row] for row in split.query]
    assert len({(t.pid, t.camid) for t in asked}) == len(asked) == 1980
    matches = {}
    for apart in (False, True):
        left = [t for row, t in enumerate(split.test) if not (apart and row in rows)]
        people, sightings = Counter(t.pid for t in left), Counter((t.pid, t.camid) for t in left)
        matches[apart] = [people[t.pid] - sightings[t.pid, t.camid] for t in asked]
        if apart:
            assert sum(people[t.pid] == 0 for t in asked) == 28
    assert min(matches[False]) > 0
    assert len({t.pid for t, count in zip(asked, matches[True], strict=True) if not count}) == 126
    valid = [count for count in matches[True] if count]
    assert (len(matches[True]) - len(valid), len(valid)) == (140, 1840)
    assert (round(sum(matches[False]) / 1980, 1), round(sum(valid) / 1840, 1)) == (11.0, 9.1)

"""wildlife-tools' FeatureDataset: its label column names the animals, and what does not fit is told."""

import random

import numpy as np
import pickle_layouts as layouts
import pytest
from brought_files import world
from wildlife_files import columns, write_new_wildlife

FEATURES = np.eye(4, 3, dtype=np.float32)
SPLIT = ("query", "query", "database", "database")


def table(**given):
    """A data frame of pandas 2 with columns of objects."""
    values = np.array([list(column) for column in given.values()], object)
    size = values.shape[1]
    return layouts.frame(list(given), [(values, layouts.places(0, len(given)))], size)


def refuse(cli, path, content):
    path.write_bytes(layouts.to_pickle(content))
    result = cli("score", path)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.splitlines()[-1]


def saved(vectors=FEATURES, **given):
    given = given or {"identity": "abab"}
    return {"features": vectors, "metadata": table(**given), "col_label": "identity", "load_label": True}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (saved(), "nothing says which of its 4 rows are queries"),
        (saved(FEATURES[:3]), "cannot be read as pickle (its features have 3 rows, its metadata 4)"),
        (saved(identity=["a", None, "a", float("nan")], split=SPLIT), "identity has no value in row 1 (2 of 4 rows)"),
        (saved(name="abab"), "col_label says 'identity', but the metadata has name"),
        (saved([{"keypoints": 1}] * 4), "its features are local ones, many for each image"),
        (saved(identity="abab", load_label="abab"), "a column 'load_label', which is the name of another part"),
        (layouts.Made("wildlife_tools.data.dataset.FeatureDataset", state={"features": FEATURES}), "without features"),
        (layouts.Made("wildlife_tools.data.dataset.FeatureDataset"), "a FeatureDataset without features"),
        (layouts.Made("wildlife_tools.data.dataset.WildlifeDataset"), "WildlifeDataset, which could run code"),
    ],
)
def test_what_does_not_fit_is_told(cli, tmp_path, content, message):
    assert message in refuse(cli, tmp_path / "x.pkl", content)


def score(cli_json, folder, w, make):
    for name in ("query", "database"):
        content = make(w.query if name == "query" else w.gallery)
        (folder / f"{name}.pkl").write_bytes(layouts.to_pickle(content))
    return cli_json("score", folder / "query.pkl", folder / "database.pkl")["conventions"]


def test_the_label_column_counts_and_no_other_that_could_name_people(cli_json, tmp_path):
    """`id` numbers the rows, `label` is the species, and `individual` is what the dataset names as its labels."""
    w = world()

    def make(side):
        found = columns(side)
        more = {"id": side.names, "label": ["zebra"] * len(side.pid), "individual": found["identity"]}
        metadata = table(**{key: list(value) for key, value in (found | more).items()})
        return {"features": side.features, "metadata": metadata, "col_label": "individual"}

    def plain(side):
        return {"features": side.features, "metadata": table(**columns(side)), "col_label": "identity"}

    assert score(cli_json, tmp_path, w, make) == score(cli_json, tmp_path, w, plain)


def test_both_datasets_in_one_pickle_are_the_two_sides(cli_json, tmp_path):
    w = world()

    def make(side):
        return {"features": side.features, "metadata": table(**columns(side)), "col_label": "identity"}

    content = {"query": make(w.query), "database": make(w.gallery)}
    (tmp_path / "both.pkl").write_bytes(layouts.to_pickle(content))
    assert cli_json("score", tmp_path / "both.pkl")["conventions"] == score(cli_json, tmp_path, w, make)


def test_metadata_without_cameras_scores_as_an_npz_without(cli_json, tmp_path):
    w = world()

    def make(side):
        kept = {name: column for name, column in columns(side).items() if name != "camera"}
        return {"features": side.features, "metadata": table(**kept)}

    for name, side in (("query", w.query), ("gallery", w.gallery)):
        np.savez(tmp_path / f"{name}.npz", embedding=side.features, pid=side.pid)
    found = score(cli_json, tmp_path, w, make)
    assert list(found) == ["gallery-as-listed"]
    twin = cli_json("score", "--query", tmp_path / "query.npz", "--gallery", tmp_path / "gallery.npz")
    assert found == twin["conventions"]


def test_a_missing_date_is_a_missing_session_and_no_fault(cli_json, tmp_path):
    w = world()

    def make(side):
        dates = [None if row % 3 else "2026-01-02" for row in range(len(side.pid))]
        return {"features": side.features, "metadata": table(**columns(side), date=dates)}

    found = score(cli_json, tmp_path, w, make)
    assert found == score(cli_json, tmp_path, w, lambda s: {"features": s.features, "metadata": table(**columns(s))})


def test_cut_and_spoilt_files_end_in_a_sentence_or_a_score(cli, tmp_path):
    paths, source = write_new_wildlife(tmp_path, world()), random.Random(0)
    whole = paths[0].read_bytes()
    spoilt = [whole[:cut] for cut in (0, 1, 7, len(whole) // 2, len(whole) - 3)]
    for _ in range(40):
        changed = bytearray(whole)
        for _ in range(source.choice((1, 4, 32))):
            changed[source.randrange(len(changed))] = source.randrange(256)
        spoilt.append(bytes(changed))
    for content in spoilt:
        paths[0].write_bytes(content)
        result = cli("score", *paths)
        assert result.exit_code in (0, 2), result.output
        assert result.exit_code == 0 or result.stderr.splitlines()[-1].startswith("error: "), result.output


def test_a_script_that_keeps_notes_as_metadata_is_read_as_before(cli_json, tmp_path):
    w = world()

    def make(side):
        notes = {"model": "x", "epoch": 3, "identity": "nobody"}
        return {"features": side.features, "pids": side.pid, "cams": side.camid, "metadata": notes}

    found = score(cli_json, tmp_path, w, make)
    assert found == score(cli_json, tmp_path, w, lambda s: {"features": s.features, "pids": s.pid, "cams": s.camid})

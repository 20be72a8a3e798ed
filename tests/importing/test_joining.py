"""A table of boxes that names nobody is joined with its labels by the columns that both have."""

import csv
import json

import numpy as np
import pytest
from box_files import boxed_world, labels, write_boxes, write_boxmot, write_boxmot_build, write_table
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench import InputError
from vreid_bench.importing.content import Content
from vreid_bench.importing.joining import join_tables

BOXES = {"frame": [1, 1, 2, 2], "track": [1, 2, 1, 2], "embedding": np.eye(4)}
LABELS = {"frame": [2, 2, 1, 1], "track": [2, 1, 2, 1], "pid": [7, 3, 7, 3], "role": ["query", "both", "query", "both"]}


def table(origin, columns):
    return Content(origin, "table", columns), ""


def join(boxes=BOXES, named=LABELS, *more):
    contents = [table("boxes", boxes), table("labels", named)]
    return join_tables([*contents, *(table(f"more {n}", columns) for n, columns in enumerate(more))])


def rows_of(joined):
    """Each row of the joined tables as a mapping, whichever table has the column."""
    columns = {name: list(column) for content, _ in joined.contents for name, column in content.arrays.items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, unique=True), st.randoms(), st.booleans())
def test_rows_are_joined_as_a_slow_loop_joins_them(keys, random, as_texts):
    shuffled = random.sample(keys, len(keys))
    boxes = {"frame": [f for f, _ in keys], "track": [t for _, t in keys], "embedding": np.array(keys, float)}
    named = {"Frame": [f for f, _ in shuffled], "track": [t for _, t in shuffled]}
    named |= {"pid": [100 * f + t for f, t in shuffled], "note": list(map(str, shuffled))}
    if as_texts:  # as a CSV has them
        named |= {name: np.array([f"{value:02d}" for value in named[name]]) for name in ("Frame", "track")}
    joined = join(boxes, named)
    assert joined.boxes
    for row in rows_of(joined):
        [match] = [n for n, key in enumerate(shuffled) if key == (row["frame"], row["track"])]
        assert (row["pid"], row["note"]) == (named["pid"][match], named["note"][match])
        assert row["embedding"].tolist() == [row["frame"], row["track"]]
    if keys != shuffled:
        assert [(row["frame"], row["track"]) for row in rows_of(joined)] == shuffled  # the order of the labels


def test_labels_of_a_track_count_for_all_its_boxes():
    joined = join(named={"track": [2, 1], "pid": [7, 3], "role": ["both", "both"]})
    assert [(row["track"], row["pid"]) for row in rows_of(joined)] == [(2, 7), (2, 7), (1, 3), (1, 3)]
    assert joined.lines == ("labels: rows -> joined with boxes by track",)


def test_the_keys_of_the_labels_may_be_in_a_third_table():
    boxes = {"box": ["a", "b", "c"], "embedding": np.eye(3)}
    where = {"box": ["c", "b", "a", "unused"], "frame": [3, 2, 1, 9], "camid": [3, 2, 1, 4]}
    named = {"frame": [1, 3, 2], "pid": [10, 30, 20]}
    joined = join_tables([table("boxes", boxes), table("labels", named), table("where", where)])
    found = [(row["box"], row["frame"], row["pid"], row["camid"]) for row in rows_of(joined)]
    assert found == [("a", 1, 10, 1), ("c", 3, 30, 3), ("b", 2, 20, 2)]


def changed(columns, **more):
    return {**columns, **more}


@pytest.mark.parametrize(
    ("boxes", "named", "message"),
    [
        (
            BOXES,
            {name: column[:3] for name, column in LABELS.items()},
            r"boxes: row 0 has frame 1, track 1, which labels does not list \(1 of 4 rows\); the tables are joined by "
            r"the columns that both have: frame, track; list every row there, with the role train",
        ),
        (
            BOXES,
            changed(LABELS, frame=[2, 2, 1, 2]),
            "labels: rows 1 and 3 both have frame 2, track 1, expected it once",
        ),
        (
            changed(BOXES, frame=[1, 1, 2, 1]),
            changed(LABELS, frame=[9, 2, 1, 1]),
            r"boxes: rows 1 and 3 both have frame 1, track 2, expected it once",
        ),
        (
            {name: column[:3] for name, column in BOXES.items()},
            LABELS,
            r"labels: row 0 has frame 2, track 2, which boxes does not have \(1 of 4 rows\)",
        ),
        (changed(BOXES, frame=[1, None, 2, 2]), LABELS, "boxes: frame has no value in row 1"),
        (BOXES, changed(LABELS, track=[2, 1, None, 1]), "labels: track has no value in row 2"),
        (BOXES, changed(LABELS, track=[2, 1]), r"labels: found frame \[4\], track \[2\], expected .* in one length"),
    ],
)
def test_missing_double_and_unknown_keys_are_told(boxes, named, message):
    with pytest.raises(InputError, match=message):
        join(boxes, named)


def test_a_number_beside_the_columns_of_a_table_stays_as_it_is():
    joined = join(BOXES, {**LABELS, "epoch": np.array(7)})
    assert joined.contents[1][0].arrays["epoch"] == 7


def test_tracks_and_videos_of_different_length_are_told():
    with pytest.raises(InputError, match=r"boxes: found video \[2\], track \[4\], expected .* in one length"):
        join({**BOXES, "video": ["a", "b"]})


@pytest.mark.parametrize(
    ("boxes", "named"),
    [
        ({"embedding": np.eye(2)}, {"pid": [1, 2]}),  # nothing in common
        ({"score": [0.5, 0.25], "embedding": np.eye(2)}, {"score": [0.25, 0.5], "pid": [1, 2]}),  # a measure
        ({"box": [[1, 2], [3, 4]], "embedding": np.eye(2)}, {"box": [[3, 4], [1, 2]], "pid": [1, 2]}),
        ({"qf": np.eye(2), "tracklet": ["a", "b"]}, {"tracklet": ["b", "a"], "pid": [1, 2]}),  # of one side
        ({"tracklet": ["a", "a"], "embedding": np.eye(2)}, {"tracklet": ["a", "a"], "pid": [1, 1]}),  # agree
    ],
)
def test_what_has_no_key_in_common_or_one_order_stays_as_it_is(boxes, named):
    given = [table("boxes", boxes), table("labels", named)]
    joined = join_tables(given)
    assert joined.lines == ()
    for (content, _), (before, _) in zip(joined.contents, given, strict=True):
        assert {k: np.array(v).tolist() for k, v in content.arrays.items()} == {
            k: np.array(v).tolist() for k, v in before.arrays.items()
        }


def refuse(cli, *paths):
    result = cli("score", *paths)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr.splitlines()[-1]


def test_boxes_without_labels_say_what_to_give(cli, tmp_path):
    [boxes, _] = write_boxes(tmp_path, boxed_world())
    told = refuse(cli, boxes)
    assert "boxes.csv: nothing says whom its 275 rows show, nor which are queries; add a table of labels" in told
    assert "name a row (video, frame, track_id, x1, y1, x2), and with tracklet, role (query, gallery or both)" in told


def test_labels_without_roles_or_people_say_what_to_give(cli, tmp_path):
    boxes, named = write_boxes(tmp_path, boxed_world())
    rows = list(csv.DictReader(named.open()))
    for left, message in (("role", "nothing says which of its 60 rows are queries"), ("pid", "has no array 'pid'")):
        names = [name for name in rows[0] if name != left]
        write_table(named, names, [[row[name] for name in names] for row in rows])
        assert message in refuse(cli, boxes, named)


def test_a_missing_track_is_told_by_the_command(cli, tmp_path):
    boxes, named = write_boxes(tmp_path, boxed_world())
    named.write_text("".join(named.read_text().splitlines(True)[:-1]))
    assert "labels.csv does not list (" in refuse(cli, boxes, named)


def score(cli_json, *arguments):
    return cli_json("score", *arguments, "--convention", "gallery-as-listed")["conventions"]


def test_boxes_are_pooled_by_the_named_aggregator(cli, cli_json, tmp_path):
    w = boxed_world()
    paths = write_boxes(tmp_path, w)
    w.gallery.features = np.stack([w.frames[a:b].max(0) for a, b in zip(w.first, w.last, strict=True)])
    arrays = {"embedding": w.gallery.features, "pid": w.gallery.pid, "camid": w.gallery.camid}
    np.savez(tmp_path / "g.npz", **arrays)
    np.savez(tmp_path / "q.npz", **{name: array[w.query.names] for name, array in arrays.items()})
    twin = score(cli_json, "--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.npz")
    assert score(cli_json, *paths, "--pool", "max") == twin
    told = cli("score", *paths).stderr
    assert "labels.csv: rows -> joined with" in told
    assert "boxes.csv: tracklets -> named by video and track_id" in told
    assert "pooled by average into 60 tracklets" in told


def test_columns_that_join_tables_are_used_and_others_are_named(cli, cli_json, tmp_path):
    boxes, named = write_boxes(tmp_path, boxed_world())
    [note] = [note for note in cli_json("score", boxes, named)["notes"] if "not used" in note]
    assert note == f"note: not used: x1, y1, x2, y2 of {boxes}; an attribute has a key such as attribute.x1"
    rows = list(csv.DictReader(named.open()))
    write_table(boxes, ["number", "embedding"], [[n, json.dumps([n, 1.0, n * n])] for n in range(len(rows))])
    write_table(named, ["Number", *rows[0]], [[n, *row.values()] for n, row in enumerate(rows)])
    told = cli("score", boxes, named)
    assert f"{boxes}: number [{len(rows)}] -> the key of its rows\n" in told.stderr
    assert "number" not in told.stdout


def test_of_boxmot_nothing_is_told_that_it_always_has(cli_json, tmp_path):
    pytest.importorskip("pyarrow")
    notes = cli_json("score", *write_boxmot(tmp_path, boxed_world()))["notes"]
    assert not any("not used" in note for note in notes)


def test_rows_with_the_role_train_are_left_out(cli_json, tmp_path):
    boxes, named = write_boxes(tmp_path, boxed_world())
    before = score(cli_json, boxes, named)
    vector = json.dumps([1e6] * boxed_world().frames.shape[1])
    with boxes.open("a", newline="") as file:
        csv.writer(file).writerow(["camera-1", 3, 999, 1, 2, 3, 4, vector])
    with named.open("a", newline="") as file:
        csv.writer(file).writerow(["camera-1", 999, "train", 0, 1])
    assert score(cli_json, boxes, named) == before


def test_a_key_named_id_is_a_track_where_the_labels_name_people(cli_json, tmp_path):
    """As MOTChallenge and most trackers name it."""
    w = boxed_world()
    boxes, named = write_boxes(tmp_path, w)
    before = score(cli_json, boxes, named)
    for path in (boxes, named):
        path.write_text(path.read_text().replace("track_id", "id", 1))
    assert score(cli_json, boxes, named) == before


def test_boxmot_without_labels_and_with_two_encoders_is_told(cli, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    w = boxed_world()
    build = write_boxmot_build(tmp_path, w)
    assert "nothing says whom its 275 rows show" in (told := refuse(cli, build))
    assert "sample_id, instance_id" in told
    path = build / "embeddings" / "part-00000.parquet"
    table = parquet.read_table(path)
    encoders = ["f" * 64] * (len(table) - 1) + ["e" * 64]
    at = table.column_names.index("encoder_fingerprint")
    parquet.write_table(table.set_column(at, "encoder_fingerprint", [encoders]), path)
    assert "it has embeddings of 2 encoders, expected one" in refuse(cli, build)


def test_a_parquet_table_with_gaps_or_a_name_twice_is_told(cli, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    columns = {"frame": [1, 2], "role": ["query", "gallery"], "pid": [1, 1]}
    for vectors, message in (
        ([[1.0, 2.0], None], "embedding has no vector in row 1"),
        ([[1.0, 2.0], [1.0]], "embedding has vectors of 1 to 2 numbers"),
    ):
        parquet.write_table(pyarrow.table({**columns, "embedding": vectors}), tmp_path / "x")
        assert message in refuse(cli, tmp_path / "x")
    twice = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["pid", "pid"])
    parquet.write_table(twice, tmp_path / "x")
    assert "its column 'pid' stands there twice" in refuse(cli, tmp_path / "x")


def test_labels_of_a_tracklet_that_differ_from_box_to_box_are_told(cli, tmp_path):
    w = boxed_world()
    [boxes, _] = write_boxes(tmp_path, w)
    rows = [(v, f, k, f"t{t}", *labels(w, t)) for _, t, v, f, _, k in w.boxes]
    first = next(n for n, row in enumerate(w.boxes) if n and w.boxes[n - 1][1] == row[1])
    rows[first] = (*rows[first][:5], 99, rows[first][6])
    named = write_table(tmp_path / "l.csv", ("video", "frame", "track_id", "tracklet", "role", "pid", "camid"), rows)
    assert f"pid: row {first} differs from other frames of its tracklet" in refuse(cli, boxes, named)

"""`data verify` for any reader: counts, people in both parts, queries without a match, and faults of frames."""

from dataclasses import replace

import numpy as np
import pytest
import simplejpeg
from short_run import SHORT
from tracklets_tree import FRAMES, ROWS, write
from yard import APART, BOTH, CONVENTION, PROTOCOL, SPLIT, Reader, registry, tracklet

from vreid_bench import Count, DatasetCheck, InputError
from vreid_bench.planning.dataset_check import check_dataset
from vreid_bench.records.scores import explain_refusals
from vreid_bench.reporting.dataset_check import as_text
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels


@pytest.fixture
def yard(tmp_path):
    """A folder with the frames of the split, each with pixels of its own."""
    random = np.random.default_rng(0)
    for each in (*SPLIT.train, *SPLIT.test):
        for frame in each.frames:
            (tmp_path / frame).parent.mkdir(exist_ok=True)
            pixels = random.integers(0, 256, (32, 16, 3), dtype=np.uint8)
            (tmp_path / frame).write_bytes(simplejpeg.encode_jpeg(pixels))
    return tmp_path


def verify(reader, root, decode=False, **more):
    check = check_dataset(registry(reader, **more), "yard", root, decode)
    return check, {count.what: count.found for count in check.counts}


def test_a_reader_without_a_check_of_its_own_is_verified(yard):
    check, counts = verify(Reader(), yard, decode=True)
    assert check.problems == ()
    assert counts == {
        "splits": 1,
        "cameras": 2,
        "train tracklets": 6,
        "train identities": 3,
        "train frames": 12,
        "shortest train tracklet": 2,
        "longest train tracklet": 2,
        "test tracklets": 6,
        "test identities": 3,
        "test frames": 12,
        "shortest test tracklet": 2,
        "longest test tracklet": 2,
        "queries": 3,
        "gallery": 6,
        "distractors": 0,
        "junk": 0,
        "people in both parts": 0,
        "queries without a match, c": 0,
        "frames on disk": 24,
    }
    assert as_text(check).endswith("\nno problems")
    assert as_text(check, decoded=False).endswith("\nno problems; frames were not decoded, which --decode does")


class Halves(Reader):
    """The same in two more variants: with a person fewer in the training part, and one whose list is not there."""

    variants = ("all", "fewer", "lost")

    def read(self, root, variant="all"):
        if variant == "lost":
            raise InputError("lost.txt is missing")
        found = super().read(root)
        return (
            replace(found, splits=(replace(SPLIT, train=(*SPLIT.train[2:], tracklet(3, 4))),) * 2)
            if variant != "all"
            else found
        )


def test_every_variant_is_counted_where_it_differs_from_the_first(yard):
    (yard / "3-4").mkdir()
    (yard / "3-4/0.jpg").write_bytes((yard / "3-1/0.jpg").read_bytes()[:-1] + b"x")
    check, counts = verify(Halves(), yard)
    assert (counts["train tracklets"], counts["train tracklets of split 0, fewer"]) == (6, 5)
    assert (counts["splits"], counts["splits, fewer"]) == (1, 2)
    assert counts["frames on disk"] == 25
    assert check.problems == (
        "lost.txt is missing",
        f"{yard}/3-4/1.jpg is listed but missing; copy it from the original data",
    )


class Apart(Reader):
    """Three variants: in one both tracklets of a person query, in the other the gallery lacks the queries."""

    variants = ("all", "two-queries", "queries-apart")

    def read(self, root, variant="all"):
        split = {
            "all": SPLIT,
            "two-queries": replace(SPLIT, query=(0, 1, 2)),
            "queries-apart": replace(SPLIT, gallery=(1, 3, 5)),
        }[variant]
        return replace(super().read(root), splits=(split,))


def test_queries_without_a_match_in_another_variant_are_counted_under_its_name(yard):
    names = {"a": "", "b": "two-queries", "c": "queries-apart"}  # protocol -> how it divides the data
    first = replace(PROTOCOL, headline="apart", conventions=("c", "apart"))
    protocols = [replace(first, name=name, variant=variant) for name, variant in names.items()]
    check, counts = verify(Apart(), yard, protocol=protocols)
    found = {what: number for what, number in counts.items() if what.startswith("queries without")}
    assert found == {
        "queries without a match, apart": 0,
        "queries without a match, c": 0,
        "queries without a match, apart, two-queries": 2,
    }
    note, named = check.notes
    assert note.startswith("c, queries-apart: not computable, the query tracklets are not in this gallery")
    assert named.startswith("queries without a match under apart, two-queries: ")


class Wrong(Reader):
    """Four variants; all but the first have a fault of another kind."""

    variants = ("all", "nobody-asks", "shared", "twice")

    def read(self, root, variant="all"):
        split = {
            "all": SPLIT,
            "nobody-asks": replace(SPLIT, query=()),
            "shared": BOTH,
            "twice": replace(SPLIT, gallery=(0, 0, 1)),
        }[variant]
        return replace(super().read(root), splits=(split,))


def test_a_fault_of_a_split_names_the_variant_that_has_it(yard):
    protocols = [replace(PROTOCOL, name=name, variant=name) for name in Wrong.variants]
    problems = " | ".join(verify(Wrong(), yard, protocol=protocols)[0].problems)
    assert "split 0 of variant 'nobody-asks' of yard has no queries" in problems
    assert "split 0 of variant 'shared': person 7 is both trained on and tested" in problems
    assert "split 0 of variant 'twice', gallery row 1 is 0, which is there before" in problems
    assert "'all'" not in problems


def test_queries_without_a_match_are_counted_under_each_convention(yard):
    split = replace(SPLIT, query=(0, 1, 2))  # both tracklets of person 7 query, so that neither finds the other apart
    protocol = replace(PROTOCOL, conventions=("c", "apart"))
    check, counts = verify(Reader(split), yard, protocol=protocol)
    assert (counts["queries without a match, c"], counts["queries without a match, apart"]) == (0, 2)
    assert check.problems == ()


class Complete(Reader):
    """Its own check counts everything."""

    complete = True

    def verify(self, root, decode=False):
        return DatasetCheck("unverified", (Count("queries without a match", 2, None),), ())


@pytest.mark.parametrize("make", [Reader, Complete])
def test_queries_without_a_match_are_named_as_the_reader_names_them(yard, make):
    split = replace(SPLIT, query=(0, 1, 2))
    same = replace(APART, name="same")
    protocol = replace(PROTOCOL, conventions=("c", "apart", "same"))
    check, _ = verify(make(split), yard, protocol=protocol, conventions=(CONVENTION, APART, same))
    names = [f"{each.name} of person 7 in camera {each.camid}" for each in SPLIT.test[:2]]
    assert check.notes == (f"queries without a match under apart and same: {', '.join(names)}",)


def test_of_many_queries_without_a_match_the_first_are_named(yard):
    split = replace(SPLIT, query=(0, 1, 2, 3, 4))
    check, counts = verify(Reader(split), yard, protocol=replace(PROTOCOL, conventions=("c", "apart")))
    assert counts["queries without a match, apart"] == 4
    [note] = check.notes
    named = note.removeprefix("queries without a match under apart: ").split(", ")
    assert named == [*(f"{t.name} of person {t.pid} in camera {t.camid}" for t in SPLIT.test[:3]), "1 more"]


def test_queries_are_named_where_a_convention_forbids_that_they_have_no_match(yard):
    split = replace(SPLIT, gallery=(0, 2, 3, 4, 5))  # person 7 has no match
    strict = replace(CONVENTION, name="strict", unmatched="error")
    protocol = replace(PROTOCOL, conventions=("c", "strict"))
    check, _ = verify(Reader(split), yard, protocol=protocol, conventions=(CONVENTION, strict))
    assert check.notes[1:] == ("queries without a match under c and strict: 7-1/0.jpg of person 7 in camera 1",)


def test_a_convention_that_cannot_be_applied_is_told_as_a_run_tells_it(yard):
    """Not as a count of zero queries without a match."""
    split = replace(SPLIT, gallery=(1, 3, 5))  # the queries are not in it
    protocol = replace(PROTOCOL, headline="apart", conventions=("c", "apart"))
    check, counts = verify(Reader(split), yard, protocol=protocol)
    assert check.problems == ()
    assert "queries without a match, c" not in counts
    assert counts["queries without a match, apart"] == 0
    distances = [(slice(0, 3), np.ones((3, 3), np.float32))]
    refused = judge(count_from_distances(distances, Labels.of(split)), (CONVENTION, APART))["c"]
    assert check.notes == tuple(explain_refusals({"c": str(refused)}))
    assert f"note: {check.notes[0]}" in as_text(check)
    assert "; list them in the gallery, too, or take" in check.notes[0]


def test_people_in_both_parts_are_counted(yard):
    shared = replace(SPLIT, train=(*SPLIT.train, tracklet(7, 1), tracklet(8, 1)))
    check, counts = verify(Reader(shared), yard)
    assert counts["people in both parts"] == 2
    assert any("2 people are both trained on and tested, such as 7" in problem for problem in check.problems)
    assert any(
        "4 test frames are the same picture as one that is trained on, such as 7-1/0.jpg, which is listed twice"
        in problem
        for problem in check.problems
    )


def test_people_and_queries_are_called_as_the_data_set_calls_them(yard):
    def name(tracklets):
        people, cameras = {7: "p000", 8: "p001", 9: "p002"}, {1: "cam first", 2: "cam second"}
        return tuple(t._replace(person=people.get(t.pid, ""), camera=cameras[t.camid]) for t in tracklets)

    train, test = name(SPLIT.train), name(SPLIT.test)
    alone = replace(SPLIT, train=train, test=test, query=(0,), gallery=(0, 2, 3, 4, 5))
    [problem] = verify(Reader(alone), yard)[0].problems
    assert "1 of 1 under c, such as 7-1/0.jpg of person p000 in camera cam first; correct" in problem
    problems = verify(Reader(replace(alone, train=(*train, test[5]))), yard)[0].problems
    assert any("person p002 is both trained on and tested" in problem for problem in problems)


def test_faults_of_frames_are_found_for_any_reader(yard):
    paths = [yard / each.frames[0] for each in SPLIT.train]
    paths[0].unlink()
    paths[1].write_bytes(b"")
    paths[2].write_bytes(paths[2].read_bytes()[:-40])
    paths[4].write_bytes(paths[3].read_bytes())
    (yard / SPLIT.test[0].frames[1]).write_bytes((yard / SPLIT.test[0].frames[0]).read_bytes())  # one tracklet
    check, counts = verify(Reader(), yard, decode=True)
    missing, empty, broken, twice = check.problems
    [note] = check.notes
    assert missing.startswith(f"{paths[0]} is listed but missing")
    assert empty.startswith(f"{paths[1]} is empty (0 bytes)")
    assert broken.startswith(f"{paths[2]} cannot be decoded (")
    other, frame = (path.relative_to(yard) for path in paths[3:5])
    assert (
        f"1 training frames are the same picture as one of another person who is trained on, such as {frame}" in twice
    )
    assert f"{frame} and {other}; correct the lists" in twice
    first, second = SPLIT.test[0].frames
    assert (
        f"1 frames of 1 tracklets are the same picture as an earlier frame of their tracklet, such as {second}" in note
    )
    assert f"{second} and {first}. A still camera" in note
    assert counts["frames on disk"] == 22
    assert not any("decoded" in problem for problem in verify(Reader(), yard)[0].problems)


def test_a_check_that_could_count_nothing_has_no_table():
    assert as_text(DatasetCheck("unverified", (), ("gone",))) == "source: unverified\nnothing could be counted\n\ngone"


def test_many_alike_problems_are_one_line_with_their_number(yard):
    for each in SPLIT.test:
        (yard / each.frames[0]).unlink()
    check, _ = verify(Reader(), yard)
    assert len(check.problems) == 6
    last = as_text(check).splitlines()[-1]
    assert last.startswith(f"{yard / SPLIT.test[0].frames[0]} is listed but missing")
    assert last.endswith("(5 more alike; --json lists them)")


def test_many_copies_of_frames_are_one_sentence_with_their_number(yard):
    folder, picture = yard / "copies", (yard / SPLIT.train[0].frames[0]).read_bytes()
    folder.mkdir()
    tracklets = []
    for number in range(96):
        frame = f"copies/{number}.jpg"
        (yard / frame).write_bytes(picture)
        tracklets.append(tracklet(3, 1)._replace(frames=(frame,)))
    check, _ = verify(Reader(replace(SPLIT, train=(*SPLIT.train, *tracklets))), yard)
    [problem] = check.problems
    assert "96 training frames are the same picture as one of another person who is trained on" in problem


class Checking(Reader):
    """A reader with checks of its own."""

    def verify(self, root, decode=False):
        return DatasetCheck("official", (Count("queries", 3, 4), Count("gates", 1, None)), ("one gate is closed",))


def test_a_readers_own_checks_are_added_to_the_general_ones(yard):
    check, counts = verify(Checking(BOTH), yard)
    assert check.source == "official"
    assert check.counts[:2] == (Count("queries", 3, 4), Count("gates", 1, None))
    assert (counts["gallery"], [c.what for c in check.counts].count("queries")) == (6, 1)
    assert check.problems[0] == "one gate is closed"
    assert any("person 7 is both trained on and tested" in problem for problem in check.problems)


def test_a_reader_that_checks_everything_keeps_its_counts(yard):
    reader = Checking(BOTH)
    reader.complete = True
    check, counts = verify(reader, yard)
    assert counts == {"queries": 3, "gates": 1}
    assert len(check.problems) == 2


def test_pictures_on_both_sides_are_found_for_a_reader_that_checks_everything(yard, monkeypatch):
    monkeypatch.setenv("VREID_CACHE", str(yard / "cache"))

    class Whole(Reader):
        complete = True

        def verify(self, root, decode=False):
            return DatasetCheck("unverified", (), ())

    assert verify(Whole(), yard, decode=True)[0].problems == ()
    trained, tested = SPLIT.train[0].frames[0], SPLIT.test[1].frames[0]
    (yard / tested).write_bytes((yard / trained).read_bytes())
    for decode in (True, False):
        [problem] = verify(Whole(), yard, decode=decode)[0].problems
        assert f"the same picture as one that is trained on, such as {tested} and {trained}" in problem


def test_a_check_that_returns_something_else_is_named(yard):
    reader = Reader()
    reader.verify = lambda root, decode: ["fine"]
    with pytest.raises(InputError, match="`verify` returned a list, expected a DatasetCheck; return DatasetCheck"):
        verify(reader, yard)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("custom", "'custom' is a protocol, expected a dataset; did you mean tracklets, which it tests on?"),
        ("mars-dev", "'mars-dev' is a protocol, expected a dataset; did you mean mars, which it tests on?"),
        ("traklets", "no dataset is named 'traklets'; did you mean tracklets"),
    ],
)
def test_a_near_miss_is_told_the_data_set(cli, name, words):
    result = cli("data", "verify", name)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.fixture
def own(tmp_path):
    """A list of one's own without train rows, and its frames."""
    random = np.random.default_rng(0)
    for folder, names in FRAMES.items():
        (tmp_path / "own" / folder).mkdir(parents=True)
        for name in names:
            pixels = random.integers(0, 256, (32, 16, 3), dtype=np.uint8)
            (tmp_path / "own" / folder / name).write_bytes(simplejpeg.encode_jpeg(pixels))
    write(tmp_path / "own", ROWS[3:])
    return tmp_path / "own"


def test_a_list_without_train_rows_is_verified_and_refused_for_training(cli, own, tmp_path):
    assert cli("data", "verify", "tracklets", "--data", own).exit_code == 0
    result = cli("run", "--plugin", "mean-pooling", "--protocol", "custom", "--data", own, "--runs", tmp_path, *SHORT)
    assert result.exit_code == 2
    assert "has no training tracklets; test the weights of a finished run on it with --from" in result.stderr


@pytest.mark.filterwarnings("error:Initializing zero-element")
def test_a_list_without_train_rows_tests_the_weights_of_a_finished_run(cli_json, finished_run, own, tmp_path):
    report = cli_json("run", "--from", finished_run, "--protocol", "custom", "--data", own, "--runs", tmp_path / "more")
    assert report["conventions"]["torchreid"]["queries"] == 1
    assert 0 < report["conventions"]["torchreid"]["mAP"] <= 1

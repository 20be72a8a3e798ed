"""Wrong readers, wrong data and wrong protocols: what is said, and that it is said before anything trains."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from short_run import SHORT
from yard import ALONE, APART, BOTH, CONVENTION, PROTOCOL, SPLIT, Reader, registry, tracklet

from vreid_bench import Compared, Dataset, InputError, Protocol, Selection, hookimpl
from vreid_bench.planning import plan as plan_module
from vreid_bench.planning.dataset_check import check_dataset
from vreid_bench.planning.fold_check import find_fold_faults
from vreid_bench.planning.folds import divide
from vreid_bench.planning.plan import RunRequest, plan_run
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.registry.plugins import Plugin, choose_installed
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.unmatched import count_unmatched


class Nothing:
    """A chosen method that is refused when planning uses it, which is after it has looked at the data."""

    def begin_randomly(self, parts):
        return self

    @property
    def method(self):
        raise InputError("no method or part is named 'nothing'")


@pytest.fixture(autouse=True)
def nothing(monkeypatch, request):
    """Let the tests here plan a run of no method: good data gets as far as that."""
    if "cli" not in request.fixturenames:
        monkeypatch.setattr(plan_module, "choose_method", lambda *_: Nothing())
        monkeypatch.setattr(plan_module.Beginning, "choose", lambda *_: plan_module.Beginning((), (), False))
        monkeypatch.setattr(plan_module, "check_buildable", lambda *_: None)
        monkeypatch.setattr(plan_module, "_describe_sources", lambda *_: [])
        monkeypatch.setattr(plan_module, "add_content", lambda listed, quiet: listed)  # there are no frames


def plan(reader, tmp_path, protocol=PROTOCOL, conventions=(CONVENTION, APART)):
    """Plan a run of no method."""
    name = protocol[0] if isinstance(protocol, tuple) else protocol.name
    return plan_run(registry(reader, protocol, conventions), RunRequest("nothing", name, data=tmp_path))


def changed(part, row, **fields):
    """A reader of the split with one tracklet changed."""
    tracklets = list(getattr(SPLIT, part))
    tracklets[row] = tracklets[row]._replace(**fields)
    return Reader(replace(SPLIT, **{part: tuple(tracklets)}))


def failing():
    raise KeyError("person")


class Checking(Reader):
    def verify(self, root):
        raise KeyError("person")


def reading(root, variant="a"):
    raise AssertionError("it is refused before it reads")


READERS = {
    "class": (Reader, "got the class Reader, expected an instance of it: Reader()"),
    "list": ([tracklet(1, 1)], "got a list, expected an instance with a method `read(root)` that returns a Dataset"),
    "None": (None, "got None, expected an instance with a method `read(root)`"),
    "function": (failing, "got the function failing, expected an instance with a method `read(root)`"),
    "data set": (Dataset("yard", Path("/"), (SPLIT,), "unverified"), "got a Dataset, expected an instance"),
    "other kind": (SimpleNamespace(read="yes"), "got a SimpleNamespace, expected an instance with a method"),
    "read without root": (SimpleNamespace(read=failing), "got the method read(), expected read(root)"),
    "description as text": (
        SimpleNamespace(description="our mall", read=reading),
        "its `description` is 'our mall', expected a vreid_bench.DatasetDescription",
    ),
    "variants as text": (
        SimpleNamespace(variants="by-door", read=reading),
        "its `variants` is 'by-door', expected a tuple of names, as in ('by-door', 'by-week')",
    ),
    "variants that read does not take": (
        SimpleNamespace(variants=("a", "b"), read=lambda root: None),
        "it has variants and the method read(root), expected read(root, variant='a')",
    ),
    "variants without a default": (
        SimpleNamespace(variants=("a", "b"), read=lambda root, variant: None),
        "it has variants and the method read(root, variant), expected read(root, variant='a')",
    ),
    "verify without decode": (Checking(), "got the method verify(root), expected verify(root, decode)"),
    "returns a list": (Reader(returns=list), "`read` returned a list, expected a Dataset"),
    "returns None": (SimpleNamespace(read=lambda root: None), "`read` returned None, expected a Dataset"),
    "returns the split": (Reader(returns=lambda: SPLIT), "`read` returned a Split, expected a Dataset"),
    "fails": (Reader(returns=failing), "failed (KeyError: 'person') at "),
    "unknown source": (Reader(source="mine"), "source 'mine', expected one of official, unverified, synthetic"),
    "text as root": (Reader(root="/data"), "the root '/data', expected the Path that `read` was given"),
    "another name": (
        Reader(name="yarn"),
        "a Dataset named 'yarn', expected 'yard', the name under which it is provided",
    ),
    "number as name": (Reader(name=7), "the name 7, expected a text"),
    "text as notes": (Reader(notes="private"), "the notes 'private', expected a tuple of texts"),
    "one split": (Reader(splits=SPLIT), "splits that are a Split, expected a tuple of Split"),
    "no split": (Reader(splits=()), "the Dataset has no splits, expected at least one"),
}

LISTS = {
    "text pid": (changed("test", 1, pid="anna"), "split 0, test tracklet 1 has the pid 'anna', expected a whole"),
    "float pid": (changed("train", 2, pid=2.0), "split 0, train tracklet 2 has the pid 2.0, expected a whole number"),
    "pid below -1": (changed("test", 5, pid=-7), "test tracklet 5 has the pid -7, expected 1 or more for a person"),
    "long pid": (changed("test", 0, pid=10**19), "test tracklet 0 has the pid 10000000000000000000, expected at most"),
    "long camid": (changed("train", 1, camid=2**63), "train tracklet 1 has the camid 9223372036854775808, expected at"),
    "text camid": (changed("test", 0, camid="hall"), "test tracklet 0 has the camid 'hall', expected a whole number"),
    "text as attributes": (
        changed("test", 0, attributes="coat"),
        "test tracklet 0 has the attributes 'coat', expected pairs of texts such as",
    ),
    "number as attribute": (
        changed("test", 0, attributes=(("outfit", 3),)),
        "test tracklet 0 has the attribute 'outfit' with the value 3, expected a name and a text",
    ),
    "attribute twice": (
        changed("test", 0, attributes=(("outfit", "a"), ("outfit", "b"))),
        "(('outfit', 'a'), ('outfit', 'b')), expected each attribute once",
    ),
    "camera as attribute": (
        changed("test", 0, attributes=(("camera", "hall"),)),
        "test tracklet 0 has an attribute 'camera', expected a name that is none of pid, camid, person, camera, frames",
    ),
    "number as person": (
        changed("test", 1, person=7),
        "test tracklet 1 has the person 7, expected a text as person, em",
    ),
    "None as camera": (
        changed("train", 1, camera=None),
        "train tracklet 1 has the camera None, expected a text as cam",
    ),
    "two names": (changed("test", 1, person="anna"), "tracklet 1 gives pid 7 the name 'anna', before it was '7', exp"),
    "name of two": (
        Reader(replace(SPLIT, test=tuple(t._replace(person="anna") for t in SPLIT.test))),
        "split 0, test tracklet 2 gives pid 8 the name 'anna', which pid 7 has (one of 4 alike), expected another name",
    ),
    "no frames": (changed("test", 3, frames=()), "test tracklet 3 has no frames, expected at least one"),
    "frames as text": (changed("test", 3, frames="a.jpg"), "test tracklet 3 has a str as frames, expected a tuple"),
    "path object": (changed("train", 0, frames=(Path("a.jpg"),)), "the frame PosixPath('a.jpg'), expected paths as"),
    "absolute frame": (changed("train", 0, frames=("/a.jpg",)), "the frame '/a.jpg', expected a path below the root"),
    "frame above": (changed("test", 0, frames=("a/../../b.jpg",)), "the frame 'a/../../b.jpg', expected a path below"),
    "plain tuple": (Reader(replace(SPLIT, train=((("a.jpg",), 1, 1),))), "train tracklet 0 is a tuple, expected a Tr"),
    "generator": (Reader(replace(SPLIT, train=iter(SPLIT.train))), "split 0: train is a tuple_iterator, expected a"),
    "tracklets as query": (Reader(replace(SPLIT, query=SPLIT.test[:2])), "query row 0 is a Tracklet (one of 2 alike)"),
    "tracklets as gallery": (Reader(replace(SPLIT, gallery=SPLIT.test)), "gallery row 0 is a Tracklet (one of 6"),
    "float rows": (Reader(replace(SPLIT, query=(0.0, 2.0))), "query row 0 is 0.0 (one of 2 alike), expected row num"),
    "array as query": (Reader(replace(SPLIT, query=np.array([0]))), "split 0, query is a ndarray, expected a tuple of"),
    "row outside": (Reader(replace(SPLIT, gallery=(0, 6))), "gallery row 1 is 6, expected 0 to 5"),
    "row below": (Reader(replace(SPLIT, query=(-1,))), "query row 0 is -1, expected 0 to 5"),
    "row twice": (Reader(replace(SPLIT, query=(0, 2, 0))), "query row 2 is 0, which is there before, expected each"),
    "query of nobody": (changed("test", 0, pid=0), "query row 0 shows nobody (pid 0), expected a person"),
    "no gallery": (Reader(replace(SPLIT, gallery=())), "split 0: the gallery is empty, expected at least one row"),
    "people in both": (Reader(BOTH), "split 0: person 7 is both trained on and tested, expected different people"),
    "no match": (
        Reader(ALONE),
        "none of 1 queries has a match in the gallery; queries without a match: 1 of 1 under c, "
        "such as 7-1/0.jpg of person 7 in camera 1; correct the lists",
    ),
}

UNNAMED = {  # these name the folder of the data
    "no queries": (Reader(replace(SPLIT, query=())), "split 0 of yard has no queries; mark test tracklets as"),
    "no training": (Reader(replace(SPLIT, train=())), "split 0 of yard has no training tracklets; test the weights"),
    "one identity": (
        Reader(replace(SPLIT, train=SPLIT.train[:2])),
        "split 0 of yard has one training identity; expected two or more: list tracklets of another person",
    ),
}

PROTOCOLS = {
    "class": (("yard", Protocol), "got the class Protocol, expected an instance of Protocol"),
    "dict": (("yard", {"name": "yard"}), "got a dict, expected an instance of Protocol"),
    "other name": (
        ("other", PROTOCOL),
        "its field `name` is 'yard', expected 'other', the name under which it is provided",
    ),
    "target and hold-out": (
        replace(PROTOCOL, target="other", holdout=0.4),
        "it has holdout 0.4 and the target 'other': people are held out of the data that is trained on, and the target",
    ),
    "unknown convention": (replace(PROTOCOL, conventions=("c", "apar")), "'apar', which no plugin provides; did you"),
    "unknown dataset": (replace(PROTOCOL, dataset="yards"), "needs the dataset 'yards', which no plugin provides; did"),
}


def refuse(reader, tmp_path, **more):
    with pytest.raises(InputError) as caught:
        plan(reader, tmp_path, **more)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("case", READERS)
def test_a_wrong_reader_is_named_with_its_distribution(case, tmp_path):
    reader, words = READERS[case]
    message = refuse(reader, tmp_path)
    assert words in message
    assert message.startswith("dataset 'yard' of vreid-yard")
    if not words.startswith(("got ", "its `", "it has variants")):  # those are refused where they are registered
        assert message in check_dataset(registry(reader), "yard", tmp_path, False).problems


@pytest.mark.parametrize("case", LISTS)
def test_wrong_lists_are_named_and_data_verify_says_the_same(case, tmp_path):
    reader, words = LISTS[case]
    message = refuse(reader, tmp_path)
    assert words in message
    assert message.startswith("dataset 'yard' of vreid-yard: ")
    assert message in check_dataset(registry(reader), "yard", tmp_path, False).problems


@pytest.mark.parametrize("case", UNNAMED)
def test_an_empty_part_is_refused(case, tmp_path):
    reader, words = UNNAMED[case]
    message = refuse(reader, tmp_path)
    assert words in message
    said = message in check_dataset(registry(reader), "yard", tmp_path, False).problems
    assert said is (case != "no training")  # such data serves a test


@pytest.mark.parametrize("case", PROTOCOLS)
def test_a_wrong_protocol_is_named_with_its_distribution(case, tmp_path):
    protocol, words = PROTOCOLS[case]
    message = refuse(Reader(), tmp_path, protocol=protocol)
    assert words in message
    assert message.startswith("protocol '")
    assert " of vreid-yard" in message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"headline": "cmc"}, "its headline 'cmc' is not among its conventions ['c']"),
        ({"version": 1}, "protocol 'yard': its version is 1, expected a text; correct the plugin"),
        ({"summary": None}, "its summary is None, expected a text"),
        ({"source": 7}, "its source is 7, expected a text"),
        ({"conventions": "c"}, "its conventions are 'c', expected a tuple of names"),
        ({"conventions": ()}, "its conventions are (), expected a tuple of names"),
    ],
)
def test_a_protocol_that_cannot_be_made_is_named_with_its_plugin(fields, words):
    module = SimpleNamespace(vreid_protocols=hookimpl(lambda: {"yard": replace(PROTOCOL, **fields)}))
    with pytest.raises(InputError) as caught:
        Registry([Plugin("gate", module, "vreid-yard", "1")])
    assert str(caught.value).startswith("vreid_protocols of plugin 'gate' of vreid-yard: protocol 'yard': ")
    assert words in str(caught.value)


def test_a_data_set_named_as_protocol_leads_to_its_protocols():
    with pytest.raises(InputError, match="'lane' is a dataset, expected a protocol; its protocols are yard"):
        find_protocol({"yard": replace(PROTOCOL, dataset="lane")}, "lane")


def test_a_convention_under_another_name_is_refused_where_it_is_registered(tmp_path):
    """It was scored under its own name, so that the headline was missing after the training."""
    message = refuse(Reader(), tmp_path, conventions=(("c", CONVENTION), ("cmc", replace(CONVENTION, name="rank"))))
    assert message.startswith("convention 'cmc' of vreid-yard: its field `name` is 'rank'")


@pytest.mark.parametrize("method", ["twin", "synthesize"])
def test_a_twin_that_fails_is_named_with_its_distribution(method, tmp_path, monkeypatch):
    monkeypatch.setenv("VREID_CACHE", str(tmp_path))
    monkeypatch.delenv("VREID_DATA", raising=False)
    reader = Reader()
    reader.twin, reader.synthesize = lambda: "abc", lambda root: None
    setattr(reader, method, lambda *root: failing())
    assert refuse(reader, None).startswith("dataset 'yard' of vreid-yard failed (KeyError: 'person')")


def test_good_data_gets_as_far_as_the_method(tmp_path):
    assert "no method or part is named 'nothing'" in refuse(Reader(), tmp_path)
    whole = replace(SPLIT, query=tuple(np.arange(3) * 2))  # whole numbers of NumPy are numbers, too
    assert "no method or part is named 'nothing'" in refuse(Reader(whole), tmp_path)


def test_queries_without_a_match_are_counted_as_a_loop_does():
    random = np.random.default_rng(0)
    for _ in range(20):
        pids, camids = random.integers(1, 5, 12), random.integers(1, 4, 12)
        query, gallery = np.arange(4), random.permutation(12)
        found = count_unmatched(Labels(pids, camids, query, gallery), (CONVENTION, APART))
        for name, rows in (("c", gallery), ("apart", [row for row in gallery if row not in query])):
            seen = [any(pids[q] == pids[g] and camids[q] != camids[g] for g in rows) for q in query]
            assert (found[name].queries, found[name].without) == (4, seen.count(False))
            assert bool(found[name].refusal) is not any(seen)


@pytest.mark.filterwarnings("error")
def test_queries_without_a_match_in_such_clothes_are_counted():
    """Person 1 wears the clothes of the query once, person 2 never."""
    pids, camids = np.array([[1, 1, 1, 2, 2], [1, 2, 3, 1, 2]])
    labels = Labels(pids, camids, np.array([0, 3]), np.arange(5), attributes={"outfit": np.array([*"aabab"])})
    same, other = (replace(CONVENTION, name=value, match=(Compared("outfit", value),)) for value in ("same", "other"))
    found = count_unmatched(labels, (CONVENTION, same, other))
    assert {name: one.without for name, one in found.items()} == {"c": 0, "same": 1, "other": 0}


def test_a_headline_that_forbids_unmatched_queries_refuses_them(tmp_path):
    split = replace(SPLIT, gallery=(0, 2, 3, 4, 5))  # person 7 has no match
    strict = replace(CONVENTION, name="strict", unmatched="error")
    protocol = replace(PROTOCOL, headline="strict", conventions=("strict", "c"))
    message = refuse(Reader(split), tmp_path, protocol=protocol, conventions=(CONVENTION, strict))
    assert "query 0 has no match in the gallery, which this convention forbids" in message
    assert "1 of 3 under strict, 1 of 3 under c" in message
    other = replace(protocol, headline="c")
    assert "'nothing'" in refuse(Reader(split), tmp_path, protocol=other, conventions=(CONVENTION, strict))


def test_the_headline_that_can_rank_held_out_people_is_named(tmp_path):
    """Held out, every tracklet asks. With two cameras each match asks, too, and some headlines take it out."""
    people = tuple(tracklet(pid, camid) for pid in range(1, 5) for camid in (1, 2))
    reader, end = Reader(replace(SPLIT, train=people)), "correct the lists or choose another protocol"
    held = replace(PROTOCOL, holdout=0.5, headline="apart", conventions=("apart",))
    message = refuse(reader, tmp_path, protocol=held)
    assert "of 4 queries has a match" in message
    assert message.endswith(f"; make queries-in-gallery, official or gallery-as-listed the headline, {end}")
    own = replace(held, conventions=("apart", "c"))
    assert refuse(reader, tmp_path, protocol=own).endswith(f"; make c the headline, {end}")
    assert "'nothing'" in refuse(reader, tmp_path, protocol=replace(own, headline="c"))
    assert refuse(Reader(ALONE), tmp_path).endswith(f"in camera 1; {end}")


def test_a_strategy_that_ranks_identities_needs_no_match_of_tracklets(tmp_path):
    assert "'nothing'" in refuse(Reader(ALONE), tmp_path, protocol=replace(PROTOCOL, test=Selection()))


def test_people_of_two_data_sets_are_different_people():
    data = {"yard": Dataset("yard", Path("/a"), (SPLIT,), "unverified")}
    data["lane"] = Dataset("lane", Path("/b"), (replace(SPLIT, train=SPLIT.test, test=SPLIT.train),), "unverified")
    for tuned, shared in ((0.0, None), (0.1, None)):
        transfer = replace(PROTOCOL, target="lane", fine_tune=tuned)
        assert next(find_fold_faults(transfer, (CONVENTION,), divide(transfer, data), trains=True), None) is shared
    data["lane"] = replace(data["lane"], splits=(BOTH,))
    found = list(find_fold_faults(transfer, (CONVENTION,), divide(transfer, data), trains=True))
    assert found == [
        "split 0: person 7 is both trained on and tested, expected different people in both parts; correct the lists"
    ]
    assert not list(find_fold_faults(transfer, (CONVENTION,), divide(transfer, data), trains=False))


def test_a_split_that_does_not_run_is_not_checked(tmp_path):
    reader = Reader(splits=(SPLIT, BOTH))
    assert "split 1: person 7 is both" in refuse(reader, tmp_path)
    for splits, words in (("0", "'nothing'"), ("1", "split 1: person 7 is both")):
        with pytest.raises(InputError, match=words):
            plan_run(registry(reader), RunRequest("nothing", "yard", data=tmp_path, splits=splits))


def test_alike_faults_of_several_splits_are_one_sentence(tmp_path):
    splits = tuple(replace(BOTH, train=(*BOTH.train, tracklet(8, 3))) for _ in range(3))
    message = refuse(Reader(splits=splits), tmp_path)
    assert "split 0: 2 people are both trained on and tested, such as 7 (one of 3 such splits), expected" in message


WRONG = {
    "class": (Reader, PROTOCOL),
    "fails": (Reader(returns=failing), PROTOCOL),
    "text pid": (LISTS["text pid"][0], PROTOCOL),
    "tracklets as query": (LISTS["tracklets as query"][0], PROTOCOL),
    "no match": (Reader(ALONE), PROTOCOL),
    "people in both": (Reader(BOTH), PROTOCOL),
    "unknown convention": (Reader(), PROTOCOLS["unknown convention"][0]),
    "unknown dataset": (Reader(), PROTOCOLS["unknown dataset"][0]),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_command_says_it_in_one_line_and_exits_with_two(cli, monkeypatch, tmp_path, case):
    reader, protocol = WRONG[case]
    stranger = registry(Reader()) if reader is Reader else registry(reader, protocol)
    [plugin] = stranger._loaded.plugins.values()
    if reader is Reader:
        plugin = replace(plugin, module=SimpleNamespace(vreid_datasets=hookimpl(lambda: {"yard": Reader})))
    installed = [each.load() for each in choose_installed("")]
    monkeypatch.setattr(Registry, "installed", lambda: Registry([*installed, plugin]))
    run = ("run", "--plugin", "mean-pooling", "--protocol", "yard", "--data", tmp_path, "--runs", tmp_path / "runs")
    result = cli(*run, *SHORT)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ")
    assert "vreid-yard" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()
    verified = cli("data", "verify", "yard", "--data", tmp_path)
    assert verified.exit_code == 2, verified.output
    if protocol.dataset == "yard":
        assert result.stderr.removeprefix("error: ").strip() in verified.stdout + verified.stderr

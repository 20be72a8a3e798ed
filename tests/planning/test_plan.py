"""What a run will do: methods and parts by name, data by option or environment, splits for tuning, identities."""

import hashlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from picture_files import picture_of
from safetensors.numpy import save_file

from vreid_bench import (
    Clipping,
    Convention,
    Dataset,
    InputError,
    Method,
    Protocol,
    Reported,
    Split,
    Tracklet,
    WeightFile,
    hookimpl,
    part,
)
from vreid_bench.contracts.dataset import mark_synthetic
from vreid_bench.contracts.people import person_ids
from vreid_bench.contracts.recipe import Schedule, Train
from vreid_bench.planning.data_root import data_root, open_datasets
from vreid_bench.planning.declaration import declare
from vreid_bench.planning.folds import divide, hold_out
from vreid_bench.planning.method import MethodRequest, choose_method
from vreid_bench.planning.plan import Plan, RunRequest, plan_run
from vreid_bench.planning.source import NewTraining
from vreid_bench.records.encoder_note import EncoderNote
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.system.arithmetic import PINS
from vreid_bench.system.fingerprint import digest


class Reader:
    """A dataset of two splits, with a twin that is one empty file."""

    def __init__(self, splits=1):
        self.splits = splits

    def read(self, root):
        return Dataset("toy", root, (SPLIT,) * self.splits, "unverified")

    def twin(self):
        return "abc123"

    def synthesize(self, root, **world):
        write_frames(root)
        (root / "made").touch()


class Halves(Reader):
    """The same in two variants, of which the second leaves a tracklet out."""

    variants = ("straight", "swapped")

    def read(self, root, variant="straight"):
        splits = (SPLIT if variant == "straight" else replace(SPLIT, train=SPLIT.train[1:]),) * self.splits
        return Dataset("halves", root, splits, "unverified")


def tracklet(pid, camid, n=1):
    return Tracklet(tuple(f"{pid}/{camid}/{n}-{i}.jpg" for i in range(n)), pid, camid)


def write_frames(root):
    """A file for every frame of SPLIT, with its name as content."""
    for frame in {frame for each in (*SPLIT.train, *SPLIT.test) for frame in each.frames}:
        (root / frame).parent.mkdir(parents=True, exist_ok=True)
        (root / frame).write_bytes(picture_of(frame))
    return root


SPLIT = Split(
    tuple(tracklet(pid, cam, n) for pid in range(1, 11) for cam in (1, 2) for n in (1, 2)),
    tuple(tracklet(pid, cam) for pid in (20, 21) for cam in (1, 2)),
    (0, 2),
    (0, 1, 2, 3),
)
STAGE = Train(Clipping("consecutive", 4), {"ce": 1.0}, 10, 4, 2, Schedule("constant", 1e-3))


def baseline(preset):
    """The baseline."""
    steps = 10 if preset == "small" else 1000
    stages = (replace(STAGE, steps=steps),)
    return Method(part("net"), part("pool"), part("mean"), Clipping("dense", 4), (64, 32), {"ce": part("ce")}, stages)


def begun(preset):
    """Begins from published weights at preset `paper`."""
    return replace(baseline(preset), encoder=part("known"), begins={"encoder": ("*",)} if preset == "paper" else {})


def encoder(depth=18): ...


class Known:
    """An encoder with published weights."""

    published = (SimpleNamespace(file=WeightFile("k.pth", "Toys", "https://toys.example")),)


class Shipping:
    """An encoder whose package ships weights for a width of 2; the tests say where."""

    shipped = ()

    def __init__(self, width=1): ...


def warm(preset):
    """Begins from the weights that its encoder ships."""
    return replace(baseline(preset), encoder=part("shipping", width=2), shipped=("encoder",))


def moving(): ...


moving.planes = ("rgb", "flow")


def aggregator(shape, heat=1.0): ...
def matcher(dim): ...
def loss(dims, identities, margin=0.3): ...


@pytest.fixture
def registry():
    protocol = {"name": "toy", "version": "1", "dataset": "toy", "headline": "c", "summary": "", "source": ""}
    convention = Convention("c", "1", True, "step", "skip", "", "")
    provided = {
        "datasets": {"toy": Reader(), "halves": Halves(10), "real": SimpleNamespace(read=Reader().read)},
        "encoders": {"net": encoder, "both": encoder, "known": Known, "shipping": Shipping, "moving": moving},
        "aggregators": {"pool": aggregator, "soft": aggregator, "both": aggregator},
        "matchers": {"mean": matcher},
        "losses": {"ce": loss, "pull": loss},
        "protocols": {
            "toy": Protocol(conventions=("c",), **protocol),
            **{
                name: Protocol(conventions=("c",), **(protocol | {"name": name, "dataset": dataset}), variant=variant)
                for name, dataset, variant in (
                    ("straight", "halves", "straight"),
                    ("swapped", "halves", "swapped"),
                    ("crooked", "halves", "crooked"),
                    ("single", "toy", "straight"),
                )
            },
        },
        "conventions": {"c": convention},
        "methods": {"mean-pooling": baseline, "begun": begun, "warm": warm},
    }
    hooks = {f"vreid_{kind}": hookimpl(_returns(values)) for kind, values in provided.items()}
    return Registry([Plugin("toy", SimpleNamespace(**hooks), "vreid-toy", "0.2")])


def _returns(value):
    return lambda: value


def test_a_part_takes_the_place_of_the_baselines(registry):
    chosen = choose_method(registry, MethodRequest("soft", "small", 0), (), None)
    assert (chosen.method.aggregator.name, chosen.method.aggregator.options) == ("soft", {"heat": 1.0})
    assert chosen.swapped == "aggregator"
    who = {"distribution": "vreid-toy", "version": "0.2"}
    [soft] = [each for each in chosen.providers if each["kind"] == "aggregator"]
    assert soft | {"name": "soft", **who} == soft
    assert soft["code"] == registry.entry("aggregators", "soft").code
    assert chosen.method.encoder.name == "net"


def test_a_loss_is_added_to_every_stage(registry):
    chosen = choose_method(registry, MethodRequest("pull", "small", 0), (), None)
    method = chosen.method
    assert chosen.swapped == "loss"
    assert set(method.losses) == {"ce", "pull"}
    assert method.stages[0].losses == {"ce": 1.0, "pull": 1.0}


@pytest.mark.parametrize(
    ("name", "message"),
    [("mean-poling", r"did you mean mean-pooling"), ("both", "names an encoder and an aggregator")],
)
def test_a_name_that_decides_nothing_is_refused(registry, name, message):
    with pytest.raises(InputError, match=message):
        choose_method(registry, MethodRequest(name, "small", 0), (), None)


def test_data_is_the_option_then_the_environment_then_the_twin(registry, tmp_path, monkeypatch):
    (tmp_path / "shelf" / "toy").mkdir(parents=True)
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VREID_DATA", raising=False)
    assert data_root(Reader(), "toy", tmp_path / "own") == (tmp_path / "own", False)
    twin = tmp_path / "cache" / "twins" / "toy-abc123"
    assert data_root(Reader(), "toy", None) == (twin, True)
    assert (twin / "made").exists()
    monkeypatch.setenv("VREID_DATA", str(tmp_path / "shelf"))
    assert data_root(Reader(), "toy", None) == (tmp_path / "shelf" / "toy", False)
    assert data_root(Reader(), "toy", tmp_path / "shelf") == (tmp_path / "shelf", False)  # --data is the folder itself
    monkeypatch.delenv("VREID_DATA")
    with pytest.raises(InputError, match="no synthetic twin; name your copy with --data or VREID_DATA"):
        data_root(registry.get("datasets", "real"), "real", None)
    with pytest.raises(InputError, match=r"no such folder; name your copy of real$"):
        data_root(registry.get("datasets", "real"), "real", tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"name your copy of toy, or leave it out for the twin$"):
        data_root(Reader(), "toy", tmp_path / "nowhere")


def test_remembered_data_comes_before_the_environment_and_a_lost_twin_is_rendered_again(
    registry, tmp_path, monkeypatch
):
    for folder in ("own", "other", "variable"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VREID_DATA", str(tmp_path / "variable"))
    protocol = registry.get("protocols", "toy")

    def find(given, remembered):
        return open_datasets(protocol, registry, given, (), remembered)["toy"].root

    own, twin = tmp_path / "own", tmp_path / "cache" / "twins" / "toy-abc123"
    assert find(None, {}) == tmp_path / "variable"
    assert find(None, {"toy": own, "another": tmp_path / "gone"}) == own
    assert find(tmp_path / "other", {"toy": own}) == tmp_path / "other"
    assert find(None, {"toy": twin}) == twin
    assert (twin / "made").exists()
    with pytest.raises(InputError, match=r"gone: the run used this copy of toy, which is gone; name .* with --data"):
        find(None, {"toy": tmp_path / "gone"})


def test_runs_that_begin_together_render_the_twin_once(registry, tmp_path, monkeypatch):
    """Two renderers at once would refuse each other; here the second folder made would already exist."""
    monkeypatch.setenv("VREID_CACHE", str(tmp_path))
    monkeypatch.delenv("VREID_DATA", raising=False)
    render = Reader.synthesize
    monkeypatch.setattr(Reader, "synthesize", lambda self, root: (time.sleep(0.2), render(self, root)))
    with ThreadPoolExecutor(4) as pool:
        roots = list(pool.map(lambda _: data_root(Reader(), "toy", None)[0], range(4)))
    assert roots == [tmp_path / "twins" / "toy-abc123"] * 4


@pytest.mark.parametrize(("given", "expected"), [(None, "small"), ("own", "paper")])
def test_the_preset_is_small_on_a_twin_and_paper_otherwise(registry, tmp_path, monkeypatch, given, expected):
    write_frames(tmp_path / "own")
    monkeypatch.setenv("VREID_CACHE", str(tmp_path))
    monkeypatch.delenv("VREID_DATA", raising=False)
    plan = plan_run(registry, RunRequest("mean-pooling", "toy", data=given and tmp_path / given))
    assert plan.chosen.preset == expected
    assert plan.chosen.method.stages[0].steps == {"small": 10, "paper": 1000}[expected]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "--plugin is missing"),
        ({"name": "mean-poling"}, "did you mean mean-pooling"),
        ({"protocol": "tpy"}, "no protocol is named 'tpy'"),
        ({"assignments": ("marign=1",)}, "no setting 'marign'"),
        ({"assignments": ("margin",)}, "expected NAME=VALUE"),
        ({"assignments": ("stages.0.steps=0",)}, "recipe: stages.0.steps is 0"),
        ({"rerank": "zong"}, "no re-ranker is named 'zong'"),
        ({"source": Path("nothing")}, "not a finished run"),
        ({"source": Path("nothing"), "validate": "every=5"}, "--validate every=5: scores a training, but --from does"),
        ({"validate": "evry=5"}, "it has no 'evry'; did you mean every?"),
        (
            {"name": "begun", "preset": "paper"},
            "^--preset paper: begun begins from published weights: encoder known from k.pth .Toys.*; train a small "
            "network with --preset small, name your copy with --weights encoder=FILE, or train from .* --from-scratch$",
        ),
        ({"weights": ("encoder=gone.pth",)}, "gone.pth: the file cannot be read"),
        (
            {"source": Path("nothing"), "weights": ("encoder=a.pth",)},
            "--weights encoder=a.pth: .*--from does not train",
        ),
        ({"source": Path("nothing"), "from_scratch": True}, "--from-scratch: says .*--from does not train"),
    ],
)
@pytest.mark.parametrize("given", [None, "own"])
def test_a_mistake_is_told_before_a_twin_is_rendered_and_data_is_read(
    registry, tmp_path, monkeypatch, changes, message, given
):
    def fail(*_, **__):
        raise AssertionError("the data was touched")

    for method in ("read", "twin", "synthesize"):
        monkeypatch.setattr(Reader, method, fail)
    monkeypatch.delenv("VREID_DATA", raising=False)
    request = {"name": "mean-pooling", "protocol": "toy", "data": given and tmp_path / given, **changes}
    with pytest.raises(InputError, match=message):
        plan_run(registry, RunRequest(**request))


def plan(registry, tmp_path, **changes) -> Plan:
    if not (tmp_path / "own").exists():
        write_frames(tmp_path / "own")
    return plan_run(
        registry, RunRequest(**{"name": "mean-pooling", "protocol": "toy", "data": tmp_path / "own", **changes})
    )


def test_a_run_from_scratch_is_another_run_of_a_modified_method(registry, tmp_path):
    scratch = plan(registry, tmp_path, name="begun", from_scratch=True)
    assert scratch.chosen.overrides == {"from-scratch": ["encoder"]}
    assert (scratch.declaration.method.modified, scratch.declaration.method.assignments) == (True, [])
    assert scratch.declaration.method.from_scratch == ("encoder",)
    assert scratch.beginning.describe() == {
        "encoder": "random weights, as --from-scratch says; the method begins from k.pth (Toys, https://toys.example)"
    }
    shown = plan_run(registry, RunRequest("begun", "toy", data=tmp_path / "own"), dry=True)
    assert shown.beginning.describe() == {
        "encoder": "k.pth (Toys, https://toys.example): --weights encoder=FILE names your copy, "
        "--from-scratch does without"
    }
    assert shown.id != scratch.id
    small = {"name": "begun", "preset": "small"}  # which begins from random weights anyway
    assert plan(registry, tmp_path, **small).id == plan(registry, tmp_path, **small, from_scratch=True).id


def test_a_part_in_the_baseline_is_not_of_the_baselines_paper(registry, tmp_path):
    numbers = (Reported("mars", "R1", 0.7, "Table 1"),)

    def declare_printed(name):
        planned = plan(registry, tmp_path, name=name)
        printed = replace(planned.chosen.method, paper="Gao 2018", reported=numbers, quoted=numbers)
        return declare(replace(planned.chosen, method=printed), planned.folds, []).method

    own, swapped = map(declare_printed, ("mean-pooling", "soft"))
    assert (own.paper, len(own.reported), len(own.quoted)) == ("Gao 2018", 1, 1)
    assert (swapped.swapped, swapped.paper, swapped.reported, swapped.quoted) == ("aggregator soft", "", (), ())


def test_a_part_that_takes_the_place_of_one_with_published_weights_begins_from_its_own_if_it_has_any():
    method = begun("paper")
    assert method.with_part("encoder", part("net")).begins == {"encoder": ()}
    assert method.with_part("encoder", part("known", width=2)).begins == {"encoder": ("*",)}
    assert method.with_part("matcher", part("mean")).begins == {"encoder": ("*",)}


NOTE = EncoderNote(
    name="shipping",
    options={"width": 2},
    protocol="pretraining",
    seed=0,
    steps=3,
    arithmetic="portable",
    mAP=0.5,
    R1=0.5,
    **dict.fromkeys(("recipe", "data", "code", "content"), "0" * 64),
)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """The file of the encoder `shipping`, behind one for other options."""
    files = [tmp_path / f"width-{width}.safetensors" for width in (3, 2)]
    for file, width in zip(files, (3, 2), strict=True):
        content = NOTE.model_copy(update={"options": {"width": width}}).to_note()
        save_file({"weight": np.zeros(width, np.float32)}, file, content)
    monkeypatch.setattr(Shipping, "shipped", tuple(files))
    monkeypatch.setattr("vreid_bench.planning.plan.NewTraining.open", lambda *_: NewTraining())  # it needs a network
    return files[1]


def test_a_method_begins_from_what_its_encoder_ships_for_exactly_its_options(registry, tmp_path, shipped):
    [file] = plan(registry, tmp_path, name="warm").beginning.files
    assert (file.part, file.path, file.shipped) == ("encoder", shipped, True)
    assert file.sha256 == hashlib.sha256(shipped.read_bytes()).hexdigest()
    assert plan(registry, tmp_path, name="warm", assignments=("encoder.width=4",)).beginning.files == ()
    assert plan(registry, tmp_path, name="warm", assignments=("encoder=net",)).beginning.files == ()
    assert plan(registry, tmp_path).beginning.files == ()
    own = tmp_path / "own.safetensors"
    own.write_bytes(shipped.read_bytes())
    given = plan(registry, tmp_path, name="warm", weights=(f"encoder={own}",)).beginning.files
    assert [(each.path, each.shipped) for each in given] == [(own, False)]


def test_shipped_files_of_other_options_are_told(registry, tmp_path, shipped, capsys):
    save_file({"weight": np.zeros(2, np.float32)}, shipped)
    other = {"name": "warm", "assignments": ("encoder.width=4",)}
    words = (
        "random weights, as width-3.safetensors is of shipping width=3, width-2.safetensors is no file of "
        "`vreid-bench pretrain`, and this is shipping width=4"
    )
    assert plan(registry, tmp_path, **other).beginning.describe() == {"encoder": words}
    assert capsys.readouterr().err.count(f"note: encoder from {words}\n") == 1
    assert plan(registry, tmp_path, **other, from_scratch=True).beginning.unfit == ()
    assert plan(registry, tmp_path, name="warm", assignments=("encoder=net",)).beginning.unfit == ()
    assert plan(registry, tmp_path, **other, weights=(f"encoder={shipped}",)).beginning.unfit == ()
    assert "note: encoder" not in capsys.readouterr().err


def test_shipped_weights_are_left_out_from_scratch_and_the_record_says_so(registry, tmp_path, shipped):
    scratch = plan(registry, tmp_path, name="warm", from_scratch=True)
    assert scratch.beginning.files == ()
    assert scratch.declaration.method.overrides == {"from-scratch": ["encoder"]}
    assert scratch.beginning.describe() == {
        "encoder": "random weights, as --from-scratch says; the method begins from width-2.safetensors"
    }
    other = plan(registry, tmp_path, name="warm", from_scratch=True, assignments=("encoder.width=4",))
    assert "from-scratch" not in other.declaration.method.overrides  # it would have begun from random weights anyway


def test_shipped_weights_that_are_gone_or_not_described_are_told(registry, tmp_path, shipped):
    save_file({"weight": np.zeros(2, np.float32)}, shipped, {"pretraining": "{}"})
    with pytest.raises(
        InputError, match=r"width-2\.safetensors: the note of its pre-training is not valid \(name: is mis"
    ):
        plan(registry, tmp_path, name="warm")
    shipped.unlink()
    with pytest.raises(InputError, match=r"^encoder 'shipping' of vreid-toy: its shipped weights .*No such file"):
        plan(registry, tmp_path, name="warm")


def test_with_another_encoder_set_its_own_published_weights_count(registry, tmp_path):
    assert plan(registry, tmp_path, name="begun", assignments=("encoder=net",)).beginning.missing == ()
    with pytest.raises(InputError, match=r"^--preset paper, the default on your own data: begun begins from publ"):
        plan(registry, tmp_path, name="begun", assignments=("encoder=net", "encoder=known"))


def test_equal_plans_are_the_same_run_wherever_the_data_lies(registry, tmp_path):
    one, two = plan(registry, tmp_path), plan(registry, tmp_path, data=write_frames(tmp_path / "there/own"))
    assert one.id == two.id
    assert one.id.startswith("toy@own-mean-pooling-paper-seed0-")


def test_unlabelled_tracklets_that_no_loss_takes_stop_a_plan(registry, tmp_path):
    with pytest.raises(InputError, match=r"^stages\.0\.unlabelled is 2, but no loss of the stage takes"):
        plan(registry, tmp_path, assignments=("stages.0.unlabelled=2",))


def test_a_copy_under_another_name_is_a_run_of_its_own(registry, tmp_path):
    other = plan(registry, tmp_path, data=write_frames(tmp_path / "copy"))
    assert other.id.startswith("toy@copy-")
    assert other.folds[0].fingerprint == plan(registry, tmp_path).folds[0].fingerprint  # so its weights are shared


def test_another_picture_under_the_same_name_is_another_run(registry, tmp_path):
    before = plan(registry, tmp_path)
    (tmp_path / "own" / SPLIT.train[0].frames[0]).write_bytes(picture_of("another"))
    after = plan(registry, tmp_path)
    assert before.id != after.id
    assert before.folds[0].training[0].fingerprint != after.folds[0].training[0].fingerprint


def test_renamed_people_are_tested_again_with_the_weights_that_are_there(registry, tmp_path, monkeypatch):
    """No number depends on a name, but files that hold the old one would be shown."""
    before = plan(registry, tmp_path)
    named = replace(SPLIT, test=tuple(each._replace(person=f"p{each.pid}") for each in SPLIT.test))
    monkeypatch.setattr(Reader, "read", lambda self, root: Dataset("toy", root, (named,), "unverified"))
    after = plan(registry, tmp_path)
    assert before.id != after.id
    assert before.folds[0].fingerprint != after.folds[0].fingerprint
    assert before.folds[0].training[0].fingerprint == after.folds[0].training[0].fingerprint
    assert before.dataset.fingerprint == after.dataset.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        *({"seed": 1}, {"preset": "small"}, {"assignments": ("margin=0.2",)}, {"name": "soft"}),
        *({"device": "cpu"}, {"threads": 1}),  # other arithmetic: its result is not that of `auto`
    ],
    ids=str,
)
def test_whatever_decides_a_run_changes_its_name(registry, tmp_path, changes):
    assert plan(registry, tmp_path).id != plan(registry, tmp_path, **changes).id


@pytest.mark.parametrize("changes", [{"device": "cpu"}, {"threads": 1}], ids=str)
def test_portable_arithmetic_is_one_run_however_its_processor_is_named(registry, tmp_path, changes, monkeypatch):
    native = plan(registry, tmp_path).id
    for name, value in PINS.items():
        monkeypatch.setenv(name, value)
    assert plan(registry, tmp_path, **changes).id == plan(registry, tmp_path).id != native


RULES = {  # what the parts of a plan hold, and what else one of them may be
    "recipe": lambda plan: {"chosen": replace(plan.chosen, method=replace(plan.chosen.method, size=(32, 16)))},
    "re-ranker": lambda plan: {"chosen": replace(plan.chosen, reranker=part("zhong"))},
    "part of that name": lambda plan: {"chosen": replace(plan.chosen, swapped="aggregator")},
    "code of the training": lambda plan: {"code": replace(plan.code, training="0")},
    "code of the features": lambda plan: {"code": replace(plan.code, features="0")},
    "code of the test": lambda plan: {"code": replace(plan.code, test="0")},
    "file of weights": lambda plan: {
        "source": SimpleNamespace(trains=True, fingerprints={"pretrained": "0"}, precision="fp32")
    },
    "precision": lambda plan: {"source": SimpleNamespace(trains=True, fingerprints={}, precision="bf16")},
    "protocol": lambda plan: {"protocol": replace(plan.protocol, version="2")},
    "convention": lambda plan: {"conventions": (replace(plan.conventions[0], version="2"),)},
}


@pytest.mark.parametrize("rule", RULES)
def test_the_hash_in_the_name_covers_every_rule(registry, tmp_path, rule):
    before = plan(registry, tmp_path)
    after = replace(before, **RULES[rule](before))
    assert before.id[:-8] == after.id[:-8]
    assert before.id != after.id


def test_another_torch_is_another_run(registry, tmp_path, monkeypatch):
    before = plan(registry, tmp_path).id
    monkeypatch.setattr("vreid_bench.planning.plan.version", {"torch": "99.0"}.__getitem__)
    assert plan(registry, tmp_path).id != before


def test_another_opencv_is_another_run_where_flow_is_read_and_the_same_run_elsewhere(registry, tmp_path, monkeypatch):
    moving, still = (plan(registry, tmp_path, name=name).id for name in ("moving", "mean-pooling"))
    monkeypatch.setattr("cv2.__version__", "99.0")
    assert plan(registry, tmp_path, name="moving").id != moving
    assert plan(registry, tmp_path).id == still


def test_flow_without_opencv_is_refused_before_data_is_read(registry, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)  # an import of it fails
    message = r"encoder 'moving' of vreid-toy reads the plane 'flow': .*`pip install vreid-bench\[flow\]`"
    with pytest.raises(InputError, match=message):
        plan_run(registry, RunRequest("moving", "toy", data=tmp_path / "none"))


def test_an_override_that_changes_nothing_is_none(registry, tmp_path):
    same = plan(registry, tmp_path, assignments=("margin=0.3",))
    assert same.chosen.overrides == {}
    assert same.id == plan(registry, tmp_path).id


def test_a_person_held_out_in_one_camera_only_is_no_query():
    """MARS has six training identities like that; `official` allows no query without a match."""
    lonely = (tracklet(1, 1), tracklet(1, 1, 2), *SPLIT.train[4:])
    dev = hold_out(replace(SPLIT, train=lonely), 0.2)
    assert {t.pid for t in dev.test} == {1, 6}
    assert {dev.test[row].pid for row in dev.query} == {6}


def test_the_renderers_note_makes_data_synthetic_whatever_its_reader_says(tmp_path):
    dataset = Dataset("toy", tmp_path, (SPLIT,), "unverified")
    assert mark_synthetic(dataset).source == "unverified"
    (tmp_path / "synthetic.json").touch()
    assert mark_synthetic(dataset).source == "synthetic"


def test_held_out_identities_are_not_trained_on():
    dev = hold_out(SPLIT, 0.2)
    assert set(person_ids(dev.train)) | {t.pid for t in dev.test} == set(person_ids(SPLIT.train))
    assert {t.pid for t in dev.test} == {1, 6}
    assert not set(person_ids(dev.train)) & {t.pid for t in dev.test}
    asked = [(dev.test[row].pid, dev.test[row].camid) for row in dev.query]
    assert sorted(asked) == [(1, 1), (1, 2), (6, 1), (6, 2)]
    assert dev.gallery == tuple(range(len(dev.test)))


def test_validation_holds_the_people_of_the_rule_out_of_training_only(registry, tmp_path):
    whole, validated = (plan(registry, tmp_path, validate=text) for text in (None, "every=5,held-out=0.2"))
    [fold], [before] = validated.folds, whole.folds
    assert set(person_ids(fold.training[0].tracklets)) == {2, 3, 4, 5, 7, 8, 9, 10}
    assert fold.training[0].validation.split == hold_out(SPLIT, 0.2)  # the rule of mars-dev
    assert (fold.test, fold.fingerprint) == (before.test, before.fingerprint)
    assert fold.training[0].fingerprint != before.training[0].fingerprint
    assert validated.declaration.test_dataset.counts["train_identities"] == 8
    assert validated.declaration.method.overrides == {"validate.held-out": 0.2}
    assert validated.declaration.method.modified
    assert whole.declaration.method.overrides == {}


def test_each_validation_is_a_run_and_a_training_of_its_own(registry, tmp_path):
    texts = (None, "every=5", "every=6", "every=5,held-out=0.2", "every=5,held-out=0.5")
    plans = [plan(registry, tmp_path, validate=text) for text in texts]
    assert len({each.id for each in plans}) == len(texts)
    trainings = [each.folds[0].training[0] for each in plans]
    assert len({each.fingerprint for each in trainings}) == len(texts)
    assert trainings[1].tracklets == trainings[2].tracklets
    other = plan(registry, tmp_path, validate="every=5", seed=3, name="soft")
    assert other.folds[0].training[0] == trainings[1]  # the people depend neither on the seed nor on the method


@pytest.mark.parametrize(
    ("split", "missing"), [(replace(SPLIT, train=()), "training tracklets"), (replace(SPLIT, query=()), "queries")]
)
def test_a_split_with_nothing_to_do_is_refused(registry, split, missing):
    dataset = Dataset("toy", Path("/data/toy"), (split,), "unverified")
    with pytest.raises(InputError, match=f"split 0 of toy has no {missing}"):
        divide(registry.get("protocols", "toy"), {"toy": dataset})


def test_one_training_identity_is_too_few(registry):
    dataset = Dataset("toy", Path("/data/toy"), (replace(SPLIT, train=SPLIT.train[:4]),), "unverified")
    with pytest.raises(InputError, match="one training identity"):
        divide(registry.get("protocols", "toy"), {"toy": dataset})


def test_a_datasets_fingerprint_is_what_it_lists_and_not_where_it_lies():
    here = Dataset("toy", Path("/here"), (SPLIT,), "official")
    assert here.fingerprint == Dataset("toy", Path("/there"), (SPLIT,), "unverified").fingerprint
    changed = [
        replace(SPLIT, query=(0,)),
        replace(SPLIT, gallery=(0, 1, 2)),
        replace(SPLIT, train=SPLIT.train[1:]),
        replace(SPLIT, test=(tracklet(20, 3), *SPLIT.test[1:])),
        replace(SPLIT, test=(Tracklet(("x.jpg",), 20, 1), *SPLIT.test[1:])),
    ]
    prints = {Dataset("toy", Path("/here"), (split,), "official").fingerprint for split in [SPLIT, *changed]}
    assert len(prints) == 1 + len(changed)


def test_fingerprints_of_rules_ignore_prose_and_nothing_else(registry):
    protocol, convention = registry.get("protocols", "toy"), registry.get("conventions", "c")
    for rule in (protocol, convention):
        assert replace(rule, summary="other", source="other").fingerprint == rule.fingerprint
    changes = {"version": "2", "queries_in_gallery": False, "average_precision": "trapezoid", "unmatched": "zero"}
    prints = {replace(convention, **{name: value}).fingerprint for name, value in changes.items()}
    assert len(prints | {convention.fingerprint}) == 1 + len(changes)
    both = replace(protocol, conventions=("c", "d"))
    changes = {"version": "2", "dataset": "other", "headline": "d", "holdout": 0.1, "variant": "swapped"}
    prints = {replace(both, **{name: value}).fingerprint for name, value in changes.items()}
    assert len(prints | {both.fingerprint, protocol.fingerprint}) == 2 + len(changes)


def test_a_digest_does_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})


def test_a_protocol_names_the_variant_in_which_its_dataset_is_divided(registry, tmp_path):
    straight, swapped = (plan(registry, tmp_path, protocol=name) for name in ("straight", "swapped"))
    assert len(swapped.folds[0].training[0].tracklets) == len(straight.folds[0].training[0].tracklets) - 1
    assert swapped.protocol.rules["variant"] == "swapped"
    with pytest.raises(InputError, match=r"divides halves as 'crooked', but .* offers straight, swapped"):
        plan(registry, tmp_path, protocol="crooked")
    with pytest.raises(InputError, match=r"divides toy as 'straight', but .* offers one way only"):
        plan(registry, tmp_path, protocol="single")


def test_the_rules_of_a_protocol_are_all_its_fields_but_prose(registry):
    rules = registry.get("protocols", "toy").rules
    divided = {"dataset", "variant", "holdout", "target", "target_variant", "fine_tune"}
    assert set(rules) == {"name", "version", "headline", "conventions", "test"} | divided
    assert rules["test"] == {"strategy": "plain"}
    assert digest(rules) == registry.get("protocols", "toy").fingerprint


def test_the_choice_of_splits_stands_at_the_end_of_a_runs_name(registry, tmp_path):
    whole = plan(registry, tmp_path, protocol="straight")
    some = plan(registry, tmp_path, protocol="straight", splits="0-2")
    assert [[fold.number for fold in plan.folds] for plan in (whole, some)] == [list(range(10)), [0, 1, 2]]
    assert (whole.total, some.total) == (10, 10)
    assert some.id == f"{whole.id}-splits0-2"
    assert plan(registry, tmp_path, protocol="straight", splits="0-9").id == whole.id
    assert plan(registry, tmp_path, protocol="swapped").id != whole.id

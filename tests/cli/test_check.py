"""The command `check`, and a file as a plugin: `--plugin FILE.py`."""

import json
import sys
from pathlib import Path

import pytest
from edited_run import allow_edits
from short_run import SHORT, record_of
from tracklets_tree import FRAMES, ROWS, write
from two_cameras import put

from vreid_bench.registry.plugin_files import add_plugin_file, list_plugin_files
from vreid_bench.system.fingerprint import digest as digest_of
from vreid_bench.system.fingerprint import sha256

GOOD = """
import torch
from torch import nn
from vreid_bench import hookimpl


class Capsule(nn.Module):
    \"\"\"The largest value over frames.\"\"\"

    def __init__(self, shape, scale: float = 1.0):
        super().__init__()
        self.scale = scale

    def forward(self, maps):
        return self.scale * maps.mean((3, 4)).amax(1)


@hookimpl
def vreid_aggregators():
    return {"capsule": Capsule}
"""
WRONG = GOOD.replace("return self.scale * maps", "return torch.rand(()) * maps")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "capsule.py"
    path.write_text(GOOD)
    yield path
    for name in [name for name in sys.modules if name.startswith("vreid_file_")]:
        del sys.modules[name]


def test_a_part_that_conforms_has_a_line_for_each_law(cli):
    result = cli("check", "max")
    assert result.exit_code == 0, result.output
    assert "aggregator 'max' of vreid-bench, as in method max-pooling at preset small" in result.output
    assert "builds             It is built from its options" in result.output
    assert result.output.endswith("11 passed, 1 skipped\n")


def test_a_failure_says_what_was_found_and_the_line_and_the_exit_code_is_one(cli, file):
    file.write_text(WRONG)
    result = cli("check", file)
    assert result.exit_code == 1
    assert "aggregator 'capsule' of capsule.py gives two different outputs for the same input" in result.output
    line = 1 + WRONG.splitlines().index("    def forward(self, maps):")
    assert f"change {file}, line {line}, in Capsule.forward" in result.output
    assert result.output.endswith("failed, 1 skipped\n")


def test_options_are_tried_and_a_fault_is_told_once(cli, file):
    file.write_text(
        GOOD.replace("return self.scale * maps", "return (self.scale if self.scale == 1 else torch) * maps")
    )
    assert cli("check", file).exit_code == 0
    result = cli("check", file, "--set", "scale=2")
    assert result.exit_code == 1
    assert result.output.count("unsupported operand type") == 1
    assert result.output.count("as above") > 3


def test_a_value_in_a_table_is_set_by_its_path_below_the_option(cli, file):
    source = GOOD.replace("scale: float = 1.0", 'scale: dict[str, float] = {"first": 1.0}')
    file.write_text(source.replace("self.scale = scale", 'self.scale = scale["first"]'))
    assert cli("check", file, "--set", "scale.first=2").exit_code == 0
    result = cli("check", file, "--set", "scale.first=much")
    assert result.exit_code == 2
    assert "takes a table of names and numbers, found" in result.stderr


@pytest.mark.parametrize("raised", ["AttributeError", "RuntimeError", "ValueError", "TypeError"])
def test_a_loss_that_raises_is_told_and_the_command_ends(cli, file, raised):
    source = GOOD.replace("vreid_aggregators", "vreid_losses").replace("self, shape", "self, dims, identities")
    file.write_text(source.replace("return self.scale * maps.mean((3, 4)).amax(1)", f"raise {raised}('no such thing')"))
    result = cli("check", file)
    assert result.exit_code == 1
    assert f"failed ({raised}: no such thing" in result.output


REFUSING = GOOD.replace(
    "        self.scale = scale",
    """\
        if scale > 4:
            raise InputError(f"scale must be at most 4, got {scale}; lower it")
        self.scale = scale""",
).replace("import hookimpl", "import InputError, hookimpl")


def test_options_that_the_part_refuses_are_what_is_to_be_changed(cli, file):
    file.write_text(REFUSING)
    result = cli("check", file, "--set", "scale=5")
    assert result.exit_code == 1
    assert "scale must be at most 4, got 5.0; lower it" in result.output
    assert "change the options that it was given, scale=5.0\n" in result.output
    assert f"change {file}" not in result.output
    file.write_text(REFUSING.replace("float = 1.0", "float = 9.0"))  # refused whatever is given
    assert f"change {file}, line" in cli("check", file).output


def test_json_has_every_outcome(cli):
    outcomes = json.loads(cli("check", "flip", "--json").stdout)
    assert {each["state"] for each in outcomes} == {"passed"}
    assert [each["name"] for each in outcomes][:2] == ["provided", "annotations"]
    assert all(each["seconds"] >= 0 for each in outcomes)


def test_a_part_that_cannot_be_built_is_not_tried_further(cli, file):
    file.write_text(GOOD.replace("scale: float = 1.0", "scale: float"))
    result = cli("check", file)
    assert result.exit_code == 1
    assert "needs its option 'scale'" in result.output
    assert result.output.endswith("2 passed, 1 failed\n")


def test_a_transfer_by_name_is_checked_as_a_protocol_on_the_folder_of_both_data_sets(cli, tiny_shelf):
    result = cli("check", "duke-video-to-mars", "--data", tiny_shelf)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("protocol 'duke-video-to-mars' of vreid-bench\n")
    assert result.output.endswith("4 passed, 1 skipped\n")
    lost = cli("check", "duke-video-to-mars", "--kind", "protocol", "--data", tiny_shelf / "mars")
    assert lost.exit_code == 1
    assert "has no folder duke-video; expected a folder for each data set, by its name" in lost.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("maxx",), "no plugin provides 'maxx'; did you mean max"),
        (("mars-to-prid201",), "'mars-to-prid201': no protocol is named 'prid201'; did you mean prid2011"),
        (("mars-to-ls-vid", "--kind", "dataset"), "no dataset is named 'mars-to-ls-vid'"),
        (("tacan",), "'tacan' is a name of several kinds: aggregator, method; choose one, such as --kind aggregator"),
        (("max", "--kind", "loss"), "no loss is named 'max'"),
        (("max", "--kind", "network"), "no kind is named 'network'"),
        (("onnx", "--kind", "checkpoint"), "has no checks"),
        (
            ("triplet", "--set", "losses.triplet.margin=1"),
            "loss 'triplet' of vreid-bench is tried alone, so write margin=1",
        ),
        (("triplet", "--set", "marge=1"), "loss 'triplet' has no option 'marge'; did you mean margin?"),
        (("tacan", "--kind", "method", "--set", "a=1"), "--set: method 'tacan' of vreid-bench has no options"),
        (("max", "--method", "tacan"), "method 'tacan' has no aggregator 'max'"),
        (("nowhere.py",), "nowhere.py: cannot be read as a plugin (No such file or directory)"),
    ],
)
def test_what_cannot_be_checked_is_a_sentence(cli, arguments, words):
    result = cli("check", *arguments)
    assert words in result.output
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_file_that_the_variable_names_already_is_one_plugin(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv("VREID_PLUGIN_FILES", file.name)
    with add_plugin_file(file):
        assert [plugin.path for plugin in list_plugin_files()] == [file]


def test_a_file_that_fails_or_has_no_name_is_a_sentence(cli, file):
    file.write_text("import no_such_module\n")
    result = cli("check", file)
    assert result.exit_code == 2
    assert f"plugin {file} cannot be imported (ModuleNotFoundError" in result.stderr
    file.write_text("x = 1\n")
    assert "provides nothing, expected one name to run" in cli("run", "--plugin", file).stderr
    file.write_text(BOTH)
    assert (
        "provides no method or part, but protocol my-test, convention my-rule, expected one"
        in cli("run", "--plugin", file).stderr
    )
    file.write_text(GOOD.replace('{"capsule": Capsule}', '{"capsule": Capsule, "other": Capsule}'))
    assert (
        f"provides capsule, other, expected one name to run; write {file}:NAME" in cli("run", "--plugin", file).stderr
    )
    assert "provides no 'capsul'; did you mean capsule?" in cli("check", f"{file}:capsul").stderr
    assert cli("check", f"{file}:other").exit_code == 0


def test_a_name_of_a_file_that_is_taken_stops_the_command(cli, file):
    file.write_text(GOOD.replace('"capsule"', '"max"'))
    said = cli("check", f"{file}:max", "--kind", "aggregator").stderr
    assert "aggregator 'max' is provided by both" in said
    assert "or give yours another name" in said


def test_every_frame_of_a_copy_is_decoded_if_asked(cli, tmp_path):
    write(tmp_path, ROWS)
    for folder, names in FRAMES.items():
        for name in names:
            put(tmp_path / folder / name)
    broken = tmp_path / next(iter(FRAMES)) / next(iter(FRAMES.values()))[0]
    broken.write_bytes(b"a text")
    told = f"{broken} cannot be decoded"
    command = "check", "tracklets", "--kind", "dataset", "--data", tmp_path
    assert told not in cli(*command).output
    found = cli(*command, "--decode")
    assert found.exit_code == 1
    assert told in found.stdout
    assert (
        "--decode: reads the frames of a copy of a data set; name it with --data"
        in cli(*command[:4], "--decode").stderr
    )


def test_a_file_is_a_plugin_for_one_command_alone(cli, file):
    assert cli("check", file).exit_code == 0
    assert "no plugin provides 'capsule'" in cli("check", "capsule").stderr


@pytest.mark.slow
def test_a_run_with_a_file_has_the_file_and_its_hash_in_its_record(cli, file, tiny_mars, tmp_path):
    def run(*arguments):
        return cli("run", *arguments, "--runs", tmp_path / "runs", "--quiet", "--json")

    common = ("--data", tiny_mars, *SHORT)
    result = run("--plugin", file, *common, "--set", "aggregator.scale=2")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    [provider] = [each for each in record_of(report).method.providers if each.name == "capsule"]
    digest = sha256(file.read_bytes())
    assert (provider.distribution, provider.version) == ("capsule.py", f"sha256:{digest}")
    assert record_of(report).method.name == "capsule"

    again = run("--plugin", file, "--from", report["run"], "--set", "test.clips=1")
    assert again.exit_code == 0, again.output

    without = run("--from", report["run"], "--set", "test.clips=2")
    assert without.exit_code == 2
    missing = f"{report['run']}: its aggregator 'capsule' is of the file capsule.py, and no plugin provides it here; "
    advice = "name capsule.py with --plugin FILE.py, or in VREID_PLUGIN_FILES where a command has no --plugin"
    assert without.stderr == f"error: {missing}{advice}\n"
    assert f"error: {missing}{advice}" in cli("inspect", report["run"], "--what", "list").stderr

    place = Path(report["run"]) / "record.json"
    kept = place.read_bytes()
    fields = json.loads(kept)  # as a file that also has the rules
    for group, old, new in (("protocol", fields["protocol"]["name"], "yard-test"), ("conventions", "official", "gate")):
        text = json.dumps(fields[group]).replace(f'"{old}"', f'"{new}"')
        fields[group] = json.loads(text)
    for entry in (fields["protocol"], fields["conventions"]["gate"]):
        entry["fingerprint"] = digest_of(entry["rules"])
    place.write_text(json.dumps(fields))
    allow_edits(Path(report["run"]))
    unknown = run("--plugin", file, "--from", report["run"], "--set", "test.clips=2").stderr
    assert f"{report['run']}: no protocol is named 'yard-test'; " in unknown
    assert unknown.endswith(f"{advice}\n")
    scored = cli("score", "--features", report["run"]).stderr
    said = f"{report['run']}: it was scored under the convention 'gate', which no plugin provides here"
    assert scored == f"error: {said}; {advice}, or choose with --convention\n"

    place.write_bytes(kept)

    file.write_text(GOOD + "\n\nMORE = 1\n")
    changed = run("--plugin", file, "--from", report["run"], "--set", "test.clips=2")
    assert changed.exit_code == 2
    assert f"aggregator 'capsule' was the file capsule.py with sha256:{digest[:8]}, found sha256:" in changed.stderr
    other = json.loads(run("--plugin", file, *common, "--set", "aggregator.scale=2").stdout)
    assert other["run"] != report["run"]


BOTH = """
from vreid_bench import Convention, Protocol, hookimpl

RULE = Convention("my-rule", "1", None, "step", "skip", "", "")


@hookimpl
def vreid_conventions():
    return {"my-rule": RULE}


@hookimpl
def vreid_protocols():
    return {"my-test": Protocol("my-test", "1", "tracklets", "my-rule", ("my-rule",), "", "")}
"""


def test_the_kind_decides_what_of_a_file_is_checked(cli, file):
    file.write_text(BOTH)
    choices = f"write {file}:NAME or --kind protocol for my-test or --kind convention for my-rule"
    assert f"{file}: provides my-test, my-rule, expected one name to check; {choices}\n" in cli("check", file).stderr
    for kind, name in (("convention", "my-rule"), ("protocol", "my-test")):
        done = cli("check", file, "--kind", kind)
        assert done.exit_code == 0, done.output
        assert done.output.startswith(f"{kind} {name!r} of {file.name}")
    others = "protocol my-test, convention my-rule"
    said = cli("check", file, "--kind", "loss").stderr
    assert f"{file}: provides no loss, but {others}, expected one name to check; choose another --kind" in said
    more = "from dataclasses import replace\n" + BOTH
    file.write_text(
        more.replace('return {"my-rule": RULE}', 'return {"my-rule": RULE, "other": replace(RULE, name="other")}')
    )
    assert cli("check", file, "--kind", "convention").stderr.endswith(f"write {file}:NAME\n")


def test_a_fault_of_a_protocol_names_the_line_of_its_plugin(cli, file):
    file.write_text(BOTH.replace('"tracklets"', '"nowhere"'))
    done = cli("check", file, "--kind", "protocol")
    assert done.exit_code == 1
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if '"my-test"' in text)
    assert f"change {file}, line {line}\n" in done.output
    assert "contracts" not in done.output


YARD = """
from vreid_bench import Dataset, InputError, Protocol, Split, Tracklet, hookimpl


class Reader:
    def read(self, root):
        if not (root / "yard.csv").is_file():
            raise InputError(f"{root}: has no yard.csv; name a copy of yard")
        people = tuple(Tracklet((f"{pid}.jpg",), pid, 1) for pid in (1, 2))
        return Dataset("yard", root, (Split(people, people, (0,), (0, 1)),), "unverified")


@hookimpl
def vreid_datasets():
    return {"yard": Reader()}


@hookimpl
def vreid_protocols():
    rules = ("torchreid", "offical")
    return {"yard": Protocol("yard", "1", "yard", "torchreid", rules, "", "")}
"""


def test_a_convention_that_nobody_provides_is_told_of_the_data_set_where_the_protocol_names_it(cli, file, tmp_path):
    file.write_text(YARD)
    (tmp_path / "yard.csv").touch()
    done = cli("check", file, "--kind", "dataset", "--data", tmp_path)
    assert done.exit_code == 1
    said = "protocol 'yard' of capsule.py is scored under the convention 'offical', which no plugin provides; did you "
    line = 1 + YARD.splitlines().index('    rules = ("torchreid", "offical")')
    assert done.output.count(said + "mean official?") == 1
    _, _, after = done.output.partition(said)
    assert after.splitlines()[1].strip() == f"change {file}, line {line}"
    assert "FAILED" in after  # what else is wrong with the data is told of `read`
    assert "in Reader.read" in after
    for name in ("dataset", "protocol"):
        assert f"change {file}, line {line}\n" in cli("check", file, "--kind", name).output


def test_a_fault_of_the_reader_is_told_of_a_protocol_where_the_reader_is(cli, file, tmp_path):
    source = YARD.replace('"unverified"', '"mine"').replace('"offical"', '"official"')
    file.write_text(source)
    (tmp_path / "yard.csv").touch()
    done = cli("check", file, "--kind", "protocol", "--data", tmp_path)
    line = 1 + source.splitlines().index("    def read(self, root):")
    assert "the source 'mine', expected one of" in done.output
    assert f"change {file}, line {line}, in Reader.read" in done.output


def test_a_part_that_nobody_provides_is_told_where_the_method_names_it(cli, file):
    source = """
from vreid_bench import Clipping, Method, Part, hookimpl


def build(preset):
    return Method(
        encoder=Part("resnet"),
        aggregator=Part("maxx"),
        matcher=Part("cosine"),
        test=Clipping("all", 4),
        size=(64, 32),
    )


@hookimpl
def vreid_methods():
    return {"mine": build}
"""
    file.write_text(source)
    done = cli("check", file)
    line = 1 + source.splitlines().index('        aggregator=Part("maxx"),')
    assert f"change {file}, line {line}\n" in done.output, done.output


QUOTED = GOOD.replace("import torch\n", "from __future__ import annotations\n\nimport torch\n", 1).replace(
    "scale: float = 1.0", 'scale: "float" = 1.0,\n        width: Late | None = None'
)


def test_a_quoted_annotation_is_held_to_and_one_that_cannot_be_read_is_named(cli, file):
    file.write_text(QUOTED)
    assert "takes a number, found 'hot'" in cli("check", file, "--set", "scale=hot").stderr
    result = cli("check", file)
    assert result.exit_code == 0, result.output
    said = "the annotation of its option 'width' cannot be read (NameError: name 'Late'"
    assert (
        f"aggregator 'capsule' of capsule.py: {said} is not defined), expected a type that is there when the code runs"
        in result.output
    )
    line = 1 + QUOTED.splitlines().index("        width: Late | None = None):")
    assert f"see {file}, line {line}\n" in result.output


PRINTED = """
from vreid_bench import Clipping, Method, Part, hookimpl, reported_row, reported_table

OURS = reported_row("Table 2, ours", {"mars": "mAP R1", "mars-to-duke-video": "R1", "COLUMN": "mAP"}, "80.1 86 40 30")
THEIRS = reported_table("Table 2", {"mars-dev": "mAP"}, {"theirs": "70.2"})


def build(preset):
    model = Part("resnet", {"depth": 8}), Part("max"), Part("mean")
    return Method(*model, test=Clipping("all", 0), size=(64, 32), reported=OURS, quoted=THEIRS)


@hookimpl
def vreid_methods():
    return {"mine": build}
"""


def test_a_data_set_of_printed_numbers_that_nobody_provides_is_a_note_of_check_and_stops_nothing(cli, file, tiny_mars):
    file.write_text(PRINTED.replace("COLUMN", "ls-vid"))
    assert "  reported " in cli("check", file).output
    assert "which is no data set" not in cli("check", file).output
    file.write_text(PRINTED.replace("COLUMN", "ls-vidd"))
    done = cli("check", file)
    said = "'Table 2, ours' has a number on 'ls-vidd', which is no data set and no protocol here; did"
    assert f"method 'mine' of capsule.py: {said} you mean ls-vid" in done.output
    line = 1 + next(n for n, text in enumerate(file.read_text().splitlines()) if text.startswith("OURS"))
    assert f"see {file}, line {line}\n" in done.output
    assert "skipped" in done.output
    assert done.exit_code == 0, done.output
    dry = cli("run", "--plugin", file, "--protocol", "mars", "--data", tiny_mars, "--dry-run")
    assert dry.exit_code == 0, dry.output


GREY = '''
"""A method with an augmentation of its own."""
from torch import nn
from vreid_bench import Clipping, Method, Schedule, Train, hookimpl, part


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 4, 4)

    def forward(self, clips):
        maps = self.layer(clips.flatten(0, 1))
        return maps.unflatten(0, clips.shape[:2])


class Grey:
    def __call__(self, clips):
        return clips.mean(2, keepdim=True).expand_as(clips)


def build(preset):
    stage = Train(
        Clipping("random", T=4), {"id": 1.0}, steps=4, P=2, K=2, schedule=Schedule("constant", rate=1e-3),
        augment=(part("grey"),),
    )
    return Method(
        encoder=part("small"), aggregator=part("average"), matcher=part("mean"), test=Clipping("dense", T=4),
        size=(32, 16), losses={"id": part("cross-entropy")}, stages=(stage,), shipped=("encoder",),
    )


@hookimpl
def vreid_encoders():
    return {"small": Small}


@hookimpl
def vreid_augmentations():
    return {"grey": Grey}


@hookimpl
def vreid_methods():
    return {"gray": build}
'''


def test_the_line_to_change_is_that_of_the_part_which_the_message_names(cli, tmp_path):
    file = tmp_path / "gray.py"
    file.write_text(GREY)
    told = cli("check", f"{file}:gray").stdout
    line = GREY.split("\n").index("    def __call__(self, clips):") + 1
    assert "augmentation 'grey' of gray.py" in told
    assert f"change {file}, line {line}, in Grey.__call__" in told

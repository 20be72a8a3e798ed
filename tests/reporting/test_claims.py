"""The files of claims: their short form and their faults; ours name what there is and print what the papers print."""

import json
import tomllib

import pytest
from places import LEADERBOARD

from vreid_bench.planning.method import choose_recipe
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.registry.assignments import override
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.claims import Claim, Side, find_claim_faults, read_claims
from vreid_bench.reporting.toml_file import LARGEST
from vreid_bench.system.errors import InputError

CLAIM = """
paper = "A paper"

[[claim]]
says = "good is better than bad"
where = "Table 1"
protocol = "mars"
metric = "mAP"
better = "good"
worse = "bad"
printed = [80, 70.5]
"""
FAULTS = {
    "no TOML": ("paper = ", "Invalid value"),
    "no text": (b"paper = '\xff'", "codec can't decode"),
    "no paper": (CLAIM.replace("paper", "papers"), "papers?: is (missing|not a field)"),
    "no claims": ('paper = "A"', "claim: is missing"),
    "a claim that is none": ('paper = "A"\nclaim = [3]', "claim.0: found 3"),
    "claims that are none": ('paper = "A"\nclaim = 3', "claim: found 3"),
    "an unknown field": (CLAIM + "extra = 1\n", "claim.0.extra: is not a field"),
    "an unknown metric": (CLAIM.replace('"mAP"', '"map"'), "claim.0.metric: found 'map', expected 'mAP' or 'R1'"),
    "a side that is missing": (CLAIM.replace('worse = "bad"\n', ""), "claim.0.worse: is missing"),
    "a side that is no method": (CLAIM.replace('"bad"', '"Bad One"'), "claim.0.worse.method: found 'Bad One'"),
    "a side that is a number": (CLAIM.replace('"bad"', "7"), "claim.0.worse: found 7"),
    "an unknown field of a side": (
        CLAIM.replace('"bad"', '{ method = "bad", seed = 1 }'),
        "claim.0.worse.seed: is not",
    ),
    "one printed number": (CLAIM.replace("[80, 70.5]", "[80]"), "claim.0.printed.1: is missing"),
    "a printed fraction above 100": (CLAIM.replace("80,", "800,"), "claim.0.printed.0: found 800"),
    "a printed text": (CLAIM.replace("80,", '"80",'), "claim.0.printed.0: found '80'"),
    "a number that is not finite": (CLAIM.replace("80,", "nan,"), "claim.0.printed.0"),
    "a date": (CLAIM.replace("80,", "1979-05-27,"), "claim.0.printed.0: found '1979-05-27'"),
    "no protocol": (
        CLAIM.replace('"mars"', "[]"),
        "claim.0.protocol: found an empty list, expected a list of at least 1 item$",
    ),
    "a protocol in capitals": (
        CLAIM.replace('"mars"', '"MARS"'),
        r"claims: claim.0.protocol.0: found 'MARS', expected a name of lower-case letters, [a-z, ]*$",
    ),
    "a misspelt field of a side": (
        CLAIM.replace('"bad"', '{ method = "bad", setting = {} }'),
        r"claim.0.worse.setting: is not a field here; did you mean settings\?$",
    ),
    "a misspelt field of both sides": (
        CLAIM + 'condtion = "easy"\n',
        r"claim.0.condtion: is not a field here; did you mean condition\?$",
    ),
    "settings that are none": (CLAIM + "settings = 3\n", "claim.0.better.settings: found 3"),
    "nothing said": (CLAIM.replace("good is better than bad", ""), "claim.0.says: found ''"),
    "the same key twice": (CLAIM + 'where = "Table 2"\n', "Cannot overwrite a value"),
    "a file that is too large": ("#" * (LARGEST + 1), "shorter"),
}


@pytest.fixture
def write(tmp_path):
    """Write the only file of claims; returns the folder."""

    def file(text, name="paper.toml"):
        folder = tmp_path / "claims"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return file


def test_a_short_claim_is_spelled_out(write):
    [claim] = read_claims(write(CLAIM))["paper"].claim
    assert claim == Claim(
        says="good is better than bad",
        where="Table 1",
        protocol=("mars",),
        metric="mAP",
        better=Side(method="good"),
        worse=Side(method="bad"),
        printed=(80.0, 70.5),
    )


def test_condition_and_settings_of_a_claim_are_those_of_both_sides(write):
    shared = 'condition = "dark"\nsettings = { "a.b" = 1 }\n'
    own = '{ method = "bad", condition = "light", settings = { c = [2] } }'
    [claim] = read_claims(write(CLAIM.replace('"bad"', own) + shared))["paper"].claim
    assert claim.better == Side(method="good", condition="dark", settings={"a.b": 1})
    assert claim.worse == Side(method="bad", condition="light", settings={"a.b": 1, "c": [2]})


def test_a_leaderboard_without_claims_has_none(tmp_path):
    assert read_claims(tmp_path / "claims") == {}
    assert find_claim_faults(tmp_path / "claims") == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_one_sentence(write, fault):
    text, message = FAULTS[fault]
    folder = write(text)
    with pytest.raises(InputError, match=message) as raised:
        read_claims(folder)
    said = str(raised.value)
    assert said.startswith(f"{folder / 'paper.toml'}: ")
    assert said.isprintable()
    assert find_claim_faults(folder) == [said]


def test_a_hostile_value_stays_on_one_line(write):
    hostile = "\\u001b[2J\\n<script>\\u202e"
    [fault] = find_claim_faults(write(CLAIM.replace('"mAP"', f'"{hostile}"')))
    assert fault.isprintable()


def test_only_files_of_claims_belong_there(write):
    folder = write(CLAIM)
    (folder / "notes.md").write_text("x")
    (folder / "link.toml").symlink_to(folder / "paper.toml")
    (folder / "folder.toml").mkdir()
    faults = find_claim_faults(folder)
    assert [fault.split(": ")[0].rpartition("/")[2] for fault in faults] == ["folder.toml", "link.toml", "notes.md"]
    assert all("does not belong here" in fault for fault in faults)


# What follows is about the claims in this repository.

PAPERS = read_claims(LEADERBOARD / "claims")
CLAIMS = [claim for claims in PAPERS.values() for claim in claims.claim]
REGISTRY = Registry.installed()
PRESETS = ("paper", "small")


def list_sides(claim):
    """Both sides with the protocols that they are asked under, and the number that the paper prints."""
    printed = claim.printed or (None, None)
    for side, number in zip((claim.better, claim.worse), printed, strict=True):
        yield side, ((side.protocol,) if side.protocol else claim.protocol), number


def find(protocol):
    return find_protocol(REGISTRY.values("protocols"), protocol)


def test_there_is_a_file_for_each_of_the_five_papers():
    assert set(PAPERS) == {"clip-similarity", "ica", "personvlad", "tacan", "temporal-modeling"}
    assert all(claims.claim for claims in PAPERS.values())


def test_every_method_protocol_and_condition_exists():
    methods = {entry.name for entry in REGISTRY.entries("methods")}
    for claim in CLAIMS:
        for side, protocols, _ in list_sides(claim):
            assert side.method in methods, claim
            for protocol in map(find, protocols):
                assert not side.condition or side.condition in protocol.conditions, claim


@pytest.mark.parametrize("preset", PRESETS)
def test_every_setting_is_what_a_record_keeps_of_it(preset):
    """A record keeps the full path of each setting, and only those that differ from the method's own."""
    for claim in CLAIMS:
        for side, _, _ in list_sides(claim):
            _, _, method = choose_recipe(REGISTRY, side.method, preset)
            assignments = [f"{path}={json.dumps(value)}" for path, value in side.settings.items()]
            assert override(method, assignments, REGISTRY)[1] == side.settings, claim


def find_reported(side, protocols, metric):
    """What the method's own file says that the paper prints for a side."""
    _, _, method = choose_recipe(REGISTRY, side.method, "paper")
    return {
        round(100 * number.value, 2)
        for number in method.reported
        if (number.dataset in protocols, number.metric) == (True, metric)
        and (number.condition, number.settings, number.reranked) == (side.condition, side.settings, side.reranked)
    }


def test_the_printed_numbers_are_those_of_the_methods():
    """Both were copied from the papers, at another time and place."""
    checked = 0
    for claim in CLAIMS:
        for side, protocols, number in list_sides(claim):
            reported = find_reported(side, protocols, claim.metric)
            if number is not None and reported:
                assert number in reported, (claim.where, side, reported)
                checked += 1
    printed = sum(2 for claim in CLAIMS if claim.printed)
    assert checked >= 0.95 * printed


def test_a_claim_that_its_own_numbers_contradict_says_so():
    for claim in CLAIMS:
        if claim.printed and claim.printed[0] <= claim.printed[1]:
            assert "opposite" in claim.note, claim


def test_no_claim_stands_twice():
    keys = [json.dumps([c.better.model_dump(), c.worse.model_dump(), c.protocol, c.metric, c.printed]) for c in CLAIMS]
    assert len(keys) == len(set(keys))


def test_the_committed_files_say_nothing_beside_the_claims():
    for path in sorted((LEADERBOARD / "claims").glob("*.toml")):
        assert set(tomllib.loads(path.read_text())) == {"paper", "before", "claim", "unjudged"}

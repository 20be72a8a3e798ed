"""The leaderboard's folder: pages follow from records, and damage is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from golden_records import change_fields, let_agree
from places import GOLDEN, LEADERBOARD, ROOT

from vreid_bench.records.record import Record
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.leaderboard import build_pages, check, publish, write_pages
from vreid_bench.reporting.record_folder import add_record, read_records
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import UNFINISHED
from vreid_bench.system.fingerprint import digest

FIRST = Path("records/mars/synthetic/temporal-pooling-small-seed0.json")


def content(**changes):
    """The golden record's bytes with other fields at dotted paths, written with `__` for the dot."""
    return Record.of(let_agree(change_fields(**changes))).to_json()


def added(folder, tmp_path, **changes):
    """Add a record from a run's file."""
    run = tmp_path / "run"
    run.mkdir(exist_ok=True)
    (run / "record.json").write_bytes(content(**changes))
    return add_record(run, folder)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with rows of two seeds, a modified method, a hostile note, two data sets and two data sources."""
    tmp_path = tmp_path_factory.mktemp("built")
    folder = tmp_path / "leaderboard"
    head = "conventions__queries-in-gallery__mAP"
    for change in (
        {},
        {"seed": 1, head: 0.7},
        {"method__overrides": {"test.clips": 1}, "method__modified": True, head: 0.75},
        {"method__name": "attention", head: 0.79, "disclosure__pretraining": "ImageNet-1k"},
        {"method__name": "elsewhere", "dataset__fingerprint": "e" * 64},
        {
            "dataset__source": "unverified",
            "dataset__notes": ["Withdrawn | <b>by</b> its\n# authors", "Second note."],
            "method__paper": "- A & B | <b>",
        },
    ):
        added(folder, tmp_path, **change)
    write_pages(folder)
    return folder


@pytest.fixture
def leaderboard(built, tmp_path):
    """A copy of that folder, to be damaged."""
    return Path(shutil.copytree(built, tmp_path / "leaderboard"))


@pytest.mark.parametrize("page", ["README.md", "mars-synthetic.md", "mars-unverified.md"])
def test_pages_are_the_golden_ones_byte_for_byte(leaderboard, page):
    assert (leaderboard / page).read_bytes().decode() == (GOLDEN / "leaderboard" / page).read_bytes().decode()


def test_the_index_begins_with_real_data_and_then_with_the_widest_comparison(tmp_path):
    for name, rows, source in (
        ("few", 1, "synthetic"),
        ("many", 2, "synthetic"),
        ("alone", 1, "synthetic"),
        ("real", 1, "unverified"),
    ):
        rules = json.loads(content())["protocol"]["rules"] | {"name": name}
        protocol = {"protocol__name": name, "protocol__rules": rules, "protocol__fingerprint": digest(rules)}
        for row in range(rows):
            added(tmp_path, tmp_path, **protocol, method__name=f"method-{row}", dataset__source=source)
    titles = [line for line in build_pages(tmp_path)["README.md"].decode().splitlines() if line.startswith("## ")]
    assert [title.split("[")[1].split()[0] for title in titles] == ["real", "many", "alone", "few"]


def test_a_fresh_leaderboard_has_no_problems_and_nothing_to_write(leaderboard):
    assert check(leaderboard) == []
    assert write_pages(leaderboard) == []
    assert {path.name for path in leaderboard.iterdir()} == {"records", ".lock", *build_pages(leaderboard)}


def test_an_empty_leaderboard_is_a_leaderboard(tmp_path):
    assert write_pages(tmp_path) == [str(tmp_path / "README.md")]
    assert check(tmp_path) == []


def test_a_record_is_added_at_the_path_that_follows_from_it(leaderboard):
    assert (leaderboard / FIRST).read_bytes() == (GOLDEN / "record.json").read_bytes()


def test_another_record_of_the_same_name_needs_replace(leaderboard, tmp_path):
    added(leaderboard, tmp_path)  # the same one again is no conflict
    with pytest.raises(InputError, match=r"seed0\.json: holds another record .* pass --replace"):
        added(leaderboard, tmp_path, environment__threads=7)
    assert (leaderboard / FIRST).read_bytes() == content()
    add_record(tmp_path / "run" / "record.json", leaderboard, replace=True)
    assert (leaderboard / FIRST).read_bytes() == content(environment__threads=7)
    added(leaderboard, tmp_path, environment__threads=7, created="2027-01-01T00:00:00Z")  # repeats it, and is left out
    assert (leaderboard / FIRST).read_bytes() == content(environment__threads=7)


def test_a_record_on_other_data_is_told_which_both_are_on(tmp_path):
    own = {"dataset__source": "unverified", "dataset__label": "people"}
    added(tmp_path / "board", tmp_path, **own)
    told = (
        r"on other data \(unverified data \(people\), lists d{8} and unverified data \(crowd\), lists c{8}\); use a sep"
    )
    with pytest.raises(InputError, match=told):
        added(tmp_path / "board", tmp_path, **own | {"dataset__label": "crowd", "dataset__fingerprint": "c" * 64})


def test_an_invalid_record_is_not_added(tmp_path):
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(InputError, match="not a valid record"):
        add_record(tmp_path / "record.json", tmp_path / "leaderboard")
    assert not (tmp_path / "leaderboard").exists()


def test_many_add_at_once(tmp_path):
    """Everyone waits for the others, and the pages are those of all records."""
    runs = [tmp_path / str(seed) for seed in range(12)]
    for seed, run in enumerate(runs):
        run.mkdir()
        (run / "record.json").write_bytes(content(seed=seed))
    with ThreadPoolExecutor(len(runs)) as pool:
        found = list(pool.map(lambda run: publish([run], tmp_path / "leaderboard"), runs))
    assert not any(each.refused or each.skipped for each in found)
    assert len(read_records(tmp_path / "leaderboard")) == len(runs)
    assert check(tmp_path / "leaderboard") == []
    assert write_pages(tmp_path / "leaderboard") == []


def test_what_a_killed_writer_left_is_ignored_and_removed(leaderboard):
    left = [leaderboard / FIRST.parent / f".{FIRST.name}{UNFINISHED}", leaderboard / f".mars.md{UNFINISHED}"]
    for path in left:
        path.write_text("{")
    assert check(leaderboard) == []
    assert write_pages(leaderboard) == []
    assert not any(path.exists() for path in left)


def test_a_page_without_records_is_removed(leaderboard):
    for path in (leaderboard / "records/mars/unverified").iterdir():
        path.unlink()
    assert str(leaderboard / "mars-unverified.md") in write_pages(leaderboard)
    assert check(leaderboard) == []
    assert not (leaderboard / "mars-unverified.md").exists()


def edit(path, old, new):
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))


DAMAGE = {
    "a score typed into a page": (
        lambda folder: edit(folder / "mars-synthetic.md", b"79.0", b"89.0"),
        "mars-synthetic.md: does not follow from the records",
    ),
    "a missing page": (lambda folder: (folder / "README.md").unlink(), "README.md: is missing"),
    "a record without its row": (
        lambda folder: (folder / FIRST).unlink(),
        "mars-synthetic.md: does not follow from the records",
    ),
    "a page whose records are gone": (
        lambda folder: (folder / "records/mars/unverified/temporal-pooling-small-seed0.json").unlink(),
        "mars-unverified.md: has no record; run `vreid-bench leaderboard`",
    ),
    "a record under another name": (
        lambda folder: (folder / FIRST).rename((folder / FIRST).with_name("better-small-seed0.json")),
        f"better-small-seed0.json: by its content this record belongs at .*{FIRST.name}",
    ),
    "a record under another data source": (
        lambda folder: (folder / "records/mars/synthetic").rename(folder / "records/mars/official"),
        f"official/{FIRST.name}: by its content this record belongs at .*synthetic/{FIRST.name}",
    ),
    "an impossible score": (
        lambda folder: edit(folder / FIRST, b"0.7123456789012345", b"7.1"),
        "conventions.queries-in-gallery.mAP: found 7.1, expected less than or equal to 1",
    ),
    "half a record": (
        lambda folder: (folder / FIRST).write_bytes((folder / FIRST).read_bytes()[:500]),
        "not a valid record: .*Invalid JSON",
    ),
    "a record in another form": (
        lambda folder: edit(folder / FIRST, b"0.7123456789012345", b"0.71234567890123450"),
        "is not formatted as records are",
    ),
    "a stray file among the records": (
        lambda folder: (folder / "records/mars/notes.txt").write_text("x"),
        "notes.txt: does not belong here",
    ),
    "a link among the records": (
        lambda folder: os.symlink(folder / FIRST, folder / "records/mars/link.json"),
        "link.json: does not belong here",
    ),
    "a stray file beside the pages": (
        lambda folder: (folder / "notes.md").write_text("x"),
        "notes.md: does not belong here",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_check_finds(leaderboard, damage):
    do, message = DAMAGE[damage]
    do(leaderboard)
    problems = check(leaderboard)
    assert [p for p in problems if re.search(message, p)], problems


def test_pages_are_not_built_from_a_folder_at_fault(leaderboard):
    (leaderboard / FIRST).rename(leaderboard / FIRST.with_name("twice.json"))
    with pytest.raises(InputError, match=r"twice\.json: by its content this record belongs at"):
        write_pages(leaderboard)


CLAIMS = """
paper = "A paper"

[[claim]]
says = "attention is better"
where = "Table 1"
protocol = "mars"
metric = "mAP"
better = "attention"
worse = "temporal-pooling"
"""


@pytest.fixture
def with_claims(leaderboard):
    """The same folder with a file of claims."""
    (leaderboard / "claims").mkdir()
    (leaderboard / "claims/paper.toml").write_text(CLAIMS)
    write_pages(leaderboard)
    return leaderboard


def test_claims_have_a_page_that_the_index_names(with_claims):
    assert check(with_claims) == []
    assert "(claims.md)" in (with_claims / "README.md").read_text()
    row = [line for line in (with_claims / "claims.md").read_text().splitlines() if "attention is better" in line]
    assert [cell.strip() for cell in row[0].split("|")][3:6] == [
        "mars, small, synthetic",
        "attention",
        "temporal-pooling",
    ]


def test_the_page_of_claims_follows_from_claims_and_records(with_claims):
    edit(with_claims / "claims/paper.toml", b"attention is better", b"attention wins")
    assert [p for p in check(with_claims) if "claims.md: does not follow from" in p]
    assert write_pages(with_claims) == [str(with_claims / "claims.md")]
    (with_claims / "records/mars/synthetic/attention-small-seed0.json").unlink()
    assert [p for p in check(with_claims) if "claims.md: does not follow from" in p]


def test_without_claims_their_page_is_removed(with_claims):
    shutil.rmtree(with_claims / "claims")
    assert str(with_claims / "claims.md") in write_pages(with_claims)
    assert check(with_claims) == []
    assert "claims.md" not in (with_claims / "README.md").read_text()


def test_a_faulty_file_of_claims_is_found(with_claims):
    edit(with_claims / "claims/paper.toml", b'"mAP"', b'"mAp"')
    problems = check(with_claims)
    assert "paper.toml: not valid claims: claim.0.metric: found 'mAp'" in problems[0]
    assert "correct the files above first" in problems[1]
    with pytest.raises(InputError, match=r"claim\.0\.metric"):
        write_pages(with_claims)


@pytest.mark.slow
def test_the_committed_leaderboard_is_sound():
    """What `vreid-bench leaderboard --check` says of the tables in this repository."""
    assert check(LEADERBOARD) == []


@pytest.mark.slow
def test_checking_it_loads_neither_torch_nor_plugins():
    code = (
        "import sys; from vreid_bench.cli.main import main; main(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'torch', 'vreid_plugins'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "leaderboard", "--check", "--dir", str(LEADERBOARD)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{LEADERBOARD}: up to date", "[]"]


@pytest.fixture(scope="module")
def committed():
    return [Record.from_file(path) for path in (LEADERBOARD / "records").rglob("*.json")]


def test_the_committed_records_have_the_rules_that_are_installed(committed):
    """So that a run of today is ranked with them."""
    registry = Registry.installed()
    for record in committed:
        installed = registry.get("protocols", record.protocol.name)
        assert (record.protocol.fingerprint, record.protocol.version) == (installed.fingerprint, installed.version)
        for name, result in record.conventions.items():
            assert result.fingerprint == registry.get("conventions", name).fingerprint


def test_a_paper_s_number_on_a_dataset_stands_beside_the_dataset_s_own_test_alone(committed):
    """Held-out people, transfer, corruption and selection have numbers of their own."""
    assert {record.protocol.name for record in committed if not record.protocol.special} == {
        "buptcampus",
        "ccvid",
        "ccvid-clothes-changing",
        "ccvid-same-clothes",
        "duke-video",
        "g2a-vreid",
        "g2a-vreid-aerial-to-ground",
        "hitsz-vcm-infrared-to-visible",
        "hitsz-vcm-visible-to-infrared",
        "ilids-vid",
        "ilids-vid-dapeng",
        "ls-vid",
        "mars",
        "mars-motion",
        "mevid",
        "mevid-other-outfit",
        "mevid-other-place",
        "mevid-other-scale",
        "mevid-same-outfit",
        "mevid-same-place",
        "mevid-same-scale",
        "p-destre",
        "prid2011",
        "prid2011-dapeng",
        "vccr",
        "vccr-clothes-changing",
        "vccr-same-clothes",
    }


def test_every_committed_row_can_be_made_without_another(committed):
    """`leaderboard fill` makes each from its own options; rows of one training have equal weights."""
    assert [record.method.name for record in committed if record.weights.origin != "trained"] == []
    [plain, one_clip] = [
        record
        for record in committed
        if (record.protocol.name, record.method.name, record.seed) == ("mars", "mean-pooling", 0)
    ]
    assert {plain.method.changes, one_clip.method.changes} == {(), ('test.sampler="uniform"',)}
    assert plain.weights.sha256 == one_clip.weights.sha256


# of two streams that begin from noise, the product is zero for a query, and the cosine of that is not defined
WITHOUT_A_ROW = {"two-stream-multiply"}


def test_every_method_has_a_committed_row_on_mars():
    entries = Registry.installed().entries("methods")
    ours = {entry.name for entry in entries if entry.plugin.distribution == "vreid-bench"}
    rows = LEADERBOARD / "records/mars/synthetic"
    assert ours - WITHOUT_A_ROW == {Record.from_file(row).method.name for row in rows.glob("*.json")}
    told = re.search(r"`(\S+)` alone has none", (ROOT / "README.md").read_text())
    assert {told[1]} == WITHOUT_A_ROW

"""What README, docs and CONTRIBUTING say is so; `test_blocks.py` has their blocks of code."""

import inspect
import re
from pathlib import Path

import pytest
from doc_blocks import PAGES
from places import LEADERBOARD, ROOT

from vreid_bench.cli.main import main
from vreid_bench.contracts import hookspecs
from vreid_bench.records.record import Record
from vreid_bench.registry.entry import KINDS
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.terminal import render
from vreid_bench.scoring.score_table import explain_left_out

README = (ROOT / "README.md").read_text()
MANUAL = README + "".join(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))
OTHERS = {"--help", "--index-url", "--strict"}  # of every command, of pip, of MkDocs
OTHERS |= {"--logdir", "--backend-store-uri"}  # of TensorBoard, of MLflow
OTHERS |= {"--standalone", "--nproc-per-node", "--no-python", "--nnodes", "--rdzv-endpoint"}  # of torchrun
OTHERS |= {"--array", "--name", "--signal", "--no-install-recommends"}  # of Slurm, and of what installs it
OTHERS |= {"--address", "--head", "--port"}  # of Ray


def test_the_plugins_in_the_docs_are_those_that_the_tests_install():
    plugins = (ROOT / "docs/plugins.md").read_text()
    for module in sorted((ROOT / "tests/third_party").glob("*/*.py")):
        assert f"```python\n{module.read_text().rstrip()}\n```" in plugins, module.name
    project = (ROOT / "tests/third_party/vreid-softmin/pyproject.toml").read_text()
    assert f"```toml\n{project.rstrip()}\n```" in plugins


def test_every_hook_stands_in_a_table_of_the_plugins_page():
    page = (ROOT / "docs/plugins.md").read_text()
    listed = re.findall(r"^\| `(vreid_\w+(?:\(.*?\))?)` \|", page, re.MULTILINE)
    known = [
        f"{name}({arguments})" if arguments else name
        for name, hook in vars(hookspecs).items()
        if name.startswith("vreid_")
        for arguments in [", ".join(inspect.signature(hook).parameters)]
    ]
    assert sorted(listed) == sorted(known)


def test_the_table_of_make_run_is_that_of_the_published_record():
    record = Record.from_file(LEADERBOARD / "records/mars/synthetic/personvlad-small-seed0.json")
    counted = {name: record.conventions[name].queries for name in ("official", "torchreid")}
    numbers = {"torchreid": {"left_out": counted["official"] - counted["torchreid"], "queries": counted["torchreid"]}}
    [note] = explain_left_out(numbers)
    assert f"ends with\n\n```\n{render([record])}\n{note}\n```" in README


def list_options(command):
    """The options of a command and of all within it."""
    for option in command.params:
        yield from (*option.opts, *option.secondary_opts)
    for member in getattr(command, "commands", {}).values():
        yield from list_options(member)


def test_every_option_in_the_docs_exists():
    known = {*list_options(main), *OTHERS}
    assert set(re.findall(r"(?<=[ `])--[a-z][a-z-]*", MANUAL)) - known == set()


def test_readme_and_docs_are_finished():
    assert "@@" not in MANUAL


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name if page.parent == ROOT else f"docs/{page.name}")
def test_every_link_leads_somewhere(page):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in links if not leads_somewhere(page, link)] == []


def test_a_link_to_no_file_or_no_heading_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("## Which torch, and why?\n")
    assert leads_somewhere(page, "page.md#which-torch-and-why")
    assert leads_somewhere(page, "#which-torch-and-why")
    assert not leads_somewhere(page, "page.md#which-torch")
    assert not leads_somewhere(page, "other.md")


def leads_somewhere(page, link):
    """Is there the file that a link on `page` names, and in it the heading behind `#`, as GitHub spells it?"""
    name, _, heading = link.partition("#")
    target = Path(page.parent, name) if name else page
    if not target.exists():
        return False
    titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if heading else []
    return not heading or heading in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


def test_readme_index_and_contributing_lead_on():
    assert all(
        re.search(r"\]\([^)]+\)", page.read_text()) for page in PAGES if page.name in ("README.md", "CONTRIBUTING.md")
    )


def test_the_index_of_the_docs_names_every_page():
    index = (ROOT / "docs/README.md").read_text()
    pages = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]
    assert [page for page in pages if f"({page})" not in index] == []


def test_every_published_file_of_weights_stands_in_its_table():
    page = (ROOT / "docs/pretrained.md").read_text()
    rows = {
        (KINDS[entry.kind], entry.name, file)
        for kind in ("encoders", "aggregators", "matchers")
        for entry in Registry.installed().entries(kind)
        for file in entry.files
    }
    assert len(rows) == 11
    for kind, name, file in rows:
        assert f"| {kind} `{name}` | {file.data} | `{file.name}`" in page, name


def read_printed(text):
    """The printed numbers of each row, and the methods that are measured."""
    rows = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    printed = [row for row in rows if "printed" in row[1:2]]
    return printed, {row[0].split(",")[0] for row in rows if row[1:2] and row[1].startswith("measured")}


@pytest.mark.parametrize("paper", ["clip-similarity", "ica", "personvlad", "tacan", "temporal-modeling"])
def test_the_example_of_each_paper_prints_its_table(cli, monkeypatch, paper):
    """Measured numbers change with every new row, so they are left out."""
    page = (ROOT / "docs/reproduce.md").read_text()
    number, example = re.search(
        rf"\$ vreid-bench reproduce {paper} --table (\w+)\n(Table.*?)```", page, re.DOTALL
    ).groups()
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli("reproduce", paper, "--table", number, "--dir", LEADERBOARD).stdout
    printed, methods = read_printed(example)
    assert (printed, methods) == read_printed(shown)
    assert len(printed) >= 4

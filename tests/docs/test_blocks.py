"""Every block of code in the documentation is run, or checked in another way that a table here names with its reason.

A page is followed from top to bottom in one folder, as a reader would. Commands of vreid-bench are run as they stand,
scripts are run, files are read by what reads them. EXCEPTIONS has what is not, PRINTED what is not compared.
"""

import re
import shutil
from pathlib import Path

import doc_checks
import pytest
from doc_blocks import BLOCKS, COMMANDS, read_commands
from doc_workplace import make_workplace, prepare

pytestmark = pytest.mark.slow

# A pattern in a command or in the first line of another block -> how it is checked, and why it is not run as it stands.
EXCEPTIONS = {
    r"--protocol custom --data people$": ("shortened", "a minute"),
    # Trainings that are run, with small frames and few steps, on ten people.
    r"run --plugin mean-pooling --preset small --protocol custom --data my-data$": ("shortened", "minutes"),
    r"run --from runs/<id> --protocol mars --set test.sampler=uniform": ("run", ""),
    r"^export VREID_PLUGIN_FILES=": ("shell", "tests/docs/test_examples.py reads what the files provide"),
    r"--protocol yard --info": ("parsed", "the file is on another page; tests/docs/test_examples.py has its roles"),
    r"run .*--protocol foyer-halves ": ("parsed", "minutes; tests/docs/test_examples.py reads its splits"),
    r"(run|show) .*custom-occlusion": ("parsed", "the file is not named; tests/docs/test_examples.py runs it"),
    r"run --plugin \w+\.py ": (
        "parsed",
        "minutes; tests/cli/test_check.py runs a file, and test_new_plugin.py each kind",
    ),
    r"^vreid-bench (check|run --plugin) my-pooling|check yard\.py --kind dataset --data": (
        "parsed",
        "not installed, not there; tests/cli/test_new_plugin.py installs one of each kind",
    ),
    r"(verify|--protocol|add) (runs/)?(campus|station)": ("parsed", "minutes; tests/docs/test_examples.py runs them"),
    # Of all others, what `run` decides before it reads data is decided: method, parts, settings, protocol, options.
    r"^vreid-bench run ": ("planned", "minutes to days, and data; tests/cli has a short run of each option"),
    r"^vreid-bench pretrain ": ("parsed", "ten minutes; tests/cli/test_pretrain.py trains a small one"),
    r"data synthesize ": ("parsed", "a minute; the fixtures of tests/conftest.py render small ones"),
    r"data verify mot --data vtest|data from-tracks my-tracks vtest": ("parsed", "footage of another package"),
    r"data verify mot --data my-tracklets": ("run", ""),
    r"^torchrun ": ("shell", "an hour; tests/cli/test_torchrun.py starts short runs so"),
    r"leaderboard fill papers -j 2": ("parsed", "hours; tests/boards/test_fill.py fills a small board"),
    r"^vreid-bench leaderboard fill papers --executor": (
        "parsed",
        "a cluster; tests/plugins/executors has a small one",
    ),
    r"^vreid-bench score .* --executor ray": ("parsed", "a cluster; tests/plugins/executors has a small one"),
    r"reproduce tacan --table 2 --run": ("parsed", "hours; tests/cli/test_reproduce.py runs rows that are missing"),
    r"^vreid-bench doctor$": ("without canary", "its short training needs portable arithmetic from the start"),
    r"report RUN|report mars@|report runs/": ("without figures", "seconds; tests/cli/test_report.py has them"),
    r"inspect .*--query": ("parsed", "a tracklet of another run; tests/cli/test_inspect.py makes all of them"),
    r"plot conditions": ("parsed", "a run of several conditions; tests/cli/test_plot.py has one"),
    r"compare runs/mars-tacan": ("parsed", "runs of two methods; tests/scoring/test_comparison.py has them"),
    # Other programs.
    r"^make ": ("target", "installs, or runs this test"),
    r"^\.venv/bin/python -m pytest ": ("test file", "runs this test"),
    r"^pip install ": ("extra", "a package registry"),
    r"^SBATCH_|^ray start": ("shell", "a cluster"),
    r"^source |^eval |^COMP_WORDBREAKS|_source vreid-bench": ("shell", "tests/cli/test_completion.py is in each shell"),
    r"^python -m vreid_bench\.scoring\.": ("module", "a minute; tests/scoring compares its lines with the page"),
    r"^python -c ": ("syntax", "prints where a package lies"),
    r"^tensorboard --logdir|^mlflow server|^wandb sync": ("shell", "programs of extras, which serve or upload"),
    r"^python \w+\.py": ("script", "a block above, which is run; track.py needs footage of another package"),
    r"^VREID_DATA=my-data ": ("shell", "a training on data of one's own; tests/boards/test_fill.py fills a board"),
    r"^apt-get install|leaderboard fill mine.toml": ("text", "a Slurm of one node; the page says when it was followed"),
    # Scripts and files.
    r'^"""Tracks of the people in a video': ("calls", "footage of another package, and OpenCV 4"),
    r"^class Shallow\(nn\.Module\):$": ("calls", "lines out of a module"),
    r"^my-data/$|^my-tracks/$": ("text", "a tree of files, which the commands below it read"),
    r"^warning: tracker ": ("text", "tests/registry/test_events.py compares its words"),
    r"^mars on synthetic data$": ("text", "tests/docs/test_pages.py compares it with the published record"),
    r"^<!-- begin board": ("text", "tests/reporting/test_front.py fills it"),
    r"^\[tool\.setuptools\]$": ("text", "lines of a file that tests/cli/test_new_plugin.py installs"),
    r"^\[build-system\]$": ("text", "tests/docs/test_pages.py compares it with the package that tests install"),
}
# What a page prints below a command is what the command prints, except here, with the reason.
PRINTED = {
    r"^vreid-bench reproduce ": "measured numbers change with every row; test_pages.py compares the printed ones",
    r"^vreid-bench run ": "the numbers of long trainings",
    r"^python -m vreid_bench\.scoring\.": "tests/scoring compares them",
    r"^python track\.py|data from-tracks my-tracks vtest": "footage of another package",
}


@pytest.fixture(scope="session")
def workplace(make_once, finished_runs, tiny_mars):
    return make_once("docs-workplace", lambda folder: make_workplace(folder, finished_runs, tiny_mars))


@pytest.fixture
def place(workplace, tmp_path, monkeypatch):
    """A copy of the workplace, in which the blocks of one page are run one after another."""
    folder = shutil.copytree(workplace, tmp_path / "place")
    monkeypatch.chdir(folder)
    return folder


def how(text):
    """How a command or a block is checked; by default it is run."""
    return next((check for pattern, (check, _) in EXCEPTIONS.items() if re.search(pattern, text)), "run")


def follow_command(command, place, mars):
    """Check one command, and what the page says that it prints."""
    check = how(command.text)
    prepare(place, command.text)
    said = doc_checks.check_command(check, command.text, place, mars)
    if command.printed and not any(re.search(pattern, command.text) for pattern in PRINTED):
        assert said is not None, "what it prints is not compared"
        assert command.printed.strip() in said


@pytest.mark.parametrize("page", BLOCKS, ids=lambda path: path.name)
def test_a_page_can_be_followed(page, place, tiny_mars):
    for block in BLOCKS[page]:
        at = f"{block.page}:{block.line}"
        try:
            if block.language == "console":
                for command in read_commands(block):
                    at = f"{block.page}:{command.line}: {command.text}"
                    follow_command(command, place, tiny_mars)
            else:
                prepare(place, block.text)
                doc_checks.check_block(how(block.first), block, place)
        except BaseException as fault:
            fault.add_note(f"at {at}")
            raise


@pytest.mark.parametrize("table", [EXCEPTIONS, PRINTED], ids=["exceptions", "printed"])
def test_every_line_of_the_tables_is_in_use(table):
    texts = [command.text for command in COMMANDS]
    texts += [block.first for blocks in BLOCKS.values() for block in blocks]
    assert [pattern for pattern in table if not any(re.search(pattern, text) for text in texts)] == []


def test_every_exception_says_how_and_why():
    for check, why in EXCEPTIONS.values():
        assert check in doc_checks.CHECKS
        assert why or check == "run"


def test_a_block_of_an_unknown_language_is_not_taken(tmp_path):
    [block, *_] = [block for blocks in BLOCKS.values() for block in blocks if block.language == "python"]
    with pytest.raises(AssertionError, match="nothing checks"):
        doc_checks.check_block("run", block._replace(language="yaml"), Path(tmp_path))

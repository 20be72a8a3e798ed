"""Every command of every workflow, run in a clean clone as a job runs it.

What needs a package registry, GitHub, or hours is left out or made small, and NEEDS and SMALL say so, each step by its
name. Nothing else is left out.
"""

import json
import os
import shutil
import subprocess

import pytest
from places import ROOT
from workflows import JOBS, clone, commands, run

from vreid_bench.records.record import Record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the git repository"),
]

# Steps that are not run here, and why.
NEEDS = {
    ("tests", "quick", "Install"): "package registries",
    ("docs", "docs", "Install"): "package registries",
    ("leaderboard", "check", "Install without torch"): "package registries",
    ("wheels", "linux", "Install cibuildwheel"): "package registries",
    ("wheels", "linux", "Build and test"): "containers; the script that tests a wheel is run instead",
    ("submissions", "check", "Install without torch"): "package registries",
    ("weekly", "every-case", "Install"): "package registries",
    ("weekly", "every-case", "Name the browser"): "the browser of GitHub's machines",
    ("weekly", "make-again", "Install"): "package registries",
    ("security", "audit", "Install"): "package registries",
    ("security", "audit", "Look for known vulnerabilities"): "the service that lists them",
    ("security", "fuzz", "Install"): "package registries",
}
# Variables that make a step small.
SMALL = {
    ("tests", "quick", "Test"): {"PYTEST_ARGS": "tests/system/test_errors.py", "PYTEST_WORKERS": "1"},
    ("tests", "whole", "Lint, types and all tests"): {"MAKEFLAGS": "--dry-run"},
    ("docs", "docs", "Test the docs"): {"PYTEST_ARGS": "-k leads_somewhere"},
    ("docs", "docs", "Build the site"): {"MAKEFLAGS": "--dry-run"},  # tests/docs/test_site.py builds it
    ("docs", "docs", "Write the boards as pages"): {"REPORT_ARGS": "--protocol prid2011"},
    ("weekly", "every-case", "Test every case"): {"PYTEST_ARGS": "tests/system/test_errors.py"},
    ("weekly", "make-again", "Make the rows again"): {"FILL_ARGS": "--dry-run"},
    ("security", "fuzz", "Fuzz every parser"): {"FUZZ_ARGS": "--parser paths --executions 20 --seed", "SEED": "1"},
}
# Steps that are run as they are.
WHOLE = {
    ("leaderboard", "check", "Check"),
    ("submissions", "check", "Check the records"),
    ("submissions-comment", "comment", "Comment"),
    ("weekly", "make-again", "Compare"),
    ("weekly", "propose", "Open a pull request"),
}
PUBLISHED = "leaderboard/records/prid2011/synthetic/mean-pooling-small-seed0.json"
SUBMITTED = "leaderboard/records/prid2011/synthetic/mean-pooling-small-seed7.json"


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("clean") / "clone")


@pytest.fixture(scope="module")
def small(clean, tmp_path_factory):
    """Another clone, whose leaderboard has two rows and no claims: it is checked in a second."""
    folder = tmp_path_factory.mktemp("small") / "clone"
    subprocess.run(["git", "clone", "--quiet", clean, folder], check=True)
    for path in [*(folder / "leaderboard/records").iterdir(), folder / "leaderboard/claims"]:
        if path.name not in ("prid2011", "prid2011-dapeng"):
            shutil.rmtree(path)
    readme = folder / "README.md"
    readme.write_text(readme.read_text().replace("begin board mars/synthetic", "begin board prid2011/synthetic"))
    done = run("vreid-bench leaderboard", folder, **path_of(clean))
    assert done.returncode == 0, done.stderr
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, "commit", "--quiet", "--all", "--message=small"], cwd=folder, check=True)
    return folder


@pytest.fixture
def workplace(clean, small, tmp_path):
    """A clone of that, for a job that changes what it finds."""
    subprocess.run(["git", "clone", "--quiet", small, tmp_path / "clone"], check=True)
    (tmp_path / "clone/.venv").symlink_to(clean / ".venv")
    return tmp_path / "clone"


@pytest.fixture
def github(tmp_path):
    """Variables under which the program `gh` answers from a table and notes each call, with the bodies it is given."""
    folder = tmp_path / "gh"
    folder.mkdir()
    (folder / "gh").write_text(
        "#!/usr/bin/env bash\n"
        f'printf "%s\\n" "$*" >>"{folder}/calls"\n'
        f'case "$1 $2" in "api --method") cat "{folder}/number" ;; "pr list") cat "{folder}/number" ;; esac\n'
        'while [ $# -gt 1 ]; do [ "$1" != --body-file ] || cp "$2" "$(dirname "$0")/body"; shift; done\n'
    )
    (folder / "gh").chmod(0o755)
    (folder / "number").write_text("")
    return folder


def do(workflow, job, name, folder, **environment):
    """Run one step, which has to end well, and return what it printed."""
    [step] = [step for step in commands(workflow, job) if step.name == name]
    small = SMALL.get((workflow, job, name), {})
    done = run(step.command, folder, **{**step.env, **small, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_step_is_run_here_or_stands_in_the_list():
    steps = [(name, job, step.name) for name, job in JOBS for step in commands(name, job)]
    assert sorted(steps) == sorted([*NEEDS, *SMALL, *WHOLE])


def test_quick_tests(clean):
    assert " passed" in do("tests", "quick", "Test", clean)


def test_all_tests(clean):
    said = do("tests", "whole", "Lint, types and all tests", clean)
    for part in ("ruff check .", "mypy", "--fail-under 97"):
        assert part in said


def test_every_case(clean):
    assert " passed" in do("weekly", "every-case", "Test every case", clean)


def test_leaderboard_without_torch(clean, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('there is no torch here')\n")
    path = os.pathsep.join([str(tmp_path), str(clean / "harness")])
    assert do("leaderboard", "check", "Check", clean, PYTHONPATH=path) == "leaderboard: up to date\n"


def test_docs(clean):
    assert "[100%]" in do("docs", "docs", "Test the docs", clean)
    assert "mkdocs build --strict" in do("docs", "docs", "Build the site", clean)
    do("docs", "docs", "Write the boards as pages", clean)
    assert len(list((clean / "build/pages").glob("*.html"))) == 2


def test_the_script_that_tests_a_wheel(clean):
    done = run("python .github/scripts/check_kernels.py", clean)
    assert (done.returncode, done.stdout) == (0, "all kernels load: ranks, rerank, clip_cpu, portable\n")
    done = run("python .github/scripts/check_kernels.py", clean, VREID_NATIVE="0")
    assert (done.returncode, done.stdout.count("VREID_NATIVE=0 turns the native kernels off")) == (1, 4)


def write_again(record, place, **changes):
    """Write a record to another place, with other fields."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(Record.of(json.loads(record.read_bytes()) | changes).to_json())


def test_a_submitted_record_is_checked_by_the_base_branch(clean, workplace, tmp_path):
    base, submitted = workplace.rename(tmp_path / "base"), tmp_path / "submitted"
    shutil.copytree(base / "leaderboard", submitted / "leaderboard")
    shutil.copy(base / "README.md", submitted)
    write_again(submitted / PUBLISHED, submitted / SUBMITTED, seed=7)
    assert run(f"vreid-bench leaderboard --dir {submitted}/leaderboard", clean).returncode == 0
    (submitted / "vreid_bench.py").write_text("raise SystemExit('code of a fork')\n")
    said = do("submissions", "check", "Check the records", tmp_path, **path_of(clean))
    assert said.startswith("1 record(s) are new or changed.\n")
    assert "agrees with its splits" in said
    assert "leaderboard: up to date" in said
    assert "0 left its interval, 0 moved within its interval, 0 not comparable, 0 new, 0 gone, 2 unchanged." in said
    assert (tmp_path / "report/report.txt").read_text() + "\n" == said


def path_of(clean):
    """The variables under which a command in another folder runs the code of the clone."""
    code = os.pathsep.join(str(clean / place) for place in ("harness", "plugins"))
    return {"PYTHONPATH": code, "PATH": os.pathsep.join([str(clean / ".venv/bin"), os.environ["PATH"]])}


EVENT = {"GH_TOKEN": "none", "REPOSITORY": "owner/name", "OWNER": "stranger", "BRANCH": "a;b", "SHA": "c" * 40}


def comment(folder, github, number, report):
    """The step that comments; the calls of `gh`."""
    (folder / "report").mkdir()
    (folder / "report/report.txt").write_bytes(report)
    (github / "number").write_text(number)
    path = os.pathsep.join([str(github), os.environ["PATH"]])
    do("submissions-comment", "comment", "Comment", folder, **EVENT, PATH=path)
    return (github / "calls").read_text().splitlines()


def test_the_report_is_written_under_the_pull_request_of_the_event(workplace, github):
    calls = comment(workplace, github, "12\n", b"pr: 99\n```\n@somebody <b>\x1b[2J\n````\xff\n")
    assert calls[0].startswith("api --method GET repos/owner/name/pulls -f state=open -f head=stranger:a;b --jq")
    assert calls[1:] == ["pr comment 12 --repo owner/name --body-file comment.md"]
    body = (github / "body").read_text()
    fence = "`" * 5
    title, inside, end = body.split(fence)
    assert (title.count("\n"), end) == (2, "\n")
    assert "\x1b" not in inside


@pytest.mark.parametrize("number", ["", "12; rm", "null\n"])
def test_no_comment_is_written_where_no_pull_request_is_found(workplace, github, number):
    assert len(comment(workplace, github, number, b"passed\n")) == 1


def test_a_long_report_is_cut(workplace, github):
    comment(workplace, github, "1\n", "ü".encode() * 200_000)
    assert "cut here" in (github / "body").read_text()
    assert len((github / "body").read_text()) < 65_536


def test_the_weekly_board_is_to_be_made_again_whole(workplace):
    said = do("weekly", "make-again", "Make the rows again", workplace)
    missing = [line for line in said.splitlines() if "missing" in line]
    assert len(missing) >= 5, said


@pytest.fixture
def moved(workplace):
    """A clone with a folder `fresh`, in which one published row has another score."""
    fields = json.loads((workplace / PUBLISHED).read_bytes())
    head = fields["protocol"]["headline"]
    shift(fields, head, 0.5)
    write_again(workplace / PUBLISHED, workplace / PUBLISHED.replace("leaderboard/", "fresh/"), **fields)
    return workplace


def shift(fields, head, factor):
    """Multiply mAP under the headline convention, and all that it follows from."""
    result = fields["conventions"][head]
    for each in (result, *result["splits"]):
        each["mAP"] *= factor
    for split in fields["people"]:
        split["AP"] = [value * factor for value in split["AP"]]
    pairs = fields["camera_pairs"]
    pairs["mAP"] = [[value and value * factor for value in row] for row in pairs["mAP"]]


def compare(folder):
    """The step that compares; what it hands to the next job, and its report."""
    do("weekly", "make-again", "Compare", folder)
    return (folder.parent / f"{folder.name}-runner/github_output").read_text(), (folder / "drift.md").read_text()


def list_changed(folder):
    """What git sees as changed of the files that it keeps, a line each."""
    command = ["git", "status", "--short", "--untracked-files=no"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_score_that_left_its_interval_is_proposed(moved, github):
    output, report = compare(moved)
    assert output == "left=true\n"
    assert report.startswith(
        "# Drift\n\n1 left its interval, 0 moved within its interval, 0 not comparable, 0 new, 0 gone"
    )
    assert run("vreid-bench leaderboard --check", moved).returncode == 0
    changed = {line.split()[1] for line in list_changed(moved)}
    assert {"README.md", "leaderboard/README.md", "leaderboard/prid2011-synthetic.md", PUBLISHED} <= changed
    propose(moved, github, "")
    assert not changed & {line.split()[1] for line in list_changed(moved)}  # all is in the commit
    assert (github / "calls").read_text().splitlines()[1:] == [
        "pr list --head weekly-drift --state open --json number --jq first | .number // empty",
        "pr create --head weekly-drift --title Scores of the weekly board left their intervals --body-file body.md",
    ]
    assert (github / "body").read_text() == report
    pushed = subprocess.run(
        ["git", "show", "--stat", "--format=%s", "weekly-drift"], cwd=moved, capture_output=True, text=True, check=True
    ).stdout
    assert f"{len(changed)} files changed" in pushed


def propose(folder, github, number):
    """The step that opens a pull request; the branch is pushed to a repository beside it."""
    subprocess.run(["git", "clone", "--quiet", "--bare", folder, github / "origin"], check=True)
    subprocess.run(["git", "remote", "set-url", "origin", github / "origin"], cwd=folder, check=True)
    (github / "number").write_text(number)
    path = os.pathsep.join([str(github), os.environ["PATH"]])
    do("weekly", "propose", "Open a pull request", folder, PATH=path)


def test_rows_of_other_data_are_named_and_the_others_replaced(moved):
    other = PUBLISHED.replace("prid2011/", "prid2011-dapeng/")
    dataset = json.loads((moved / other).read_bytes())["dataset"] | {"fingerprint": "d" * 64}
    write_again(moved / other, moved / other.replace("leaderboard/", "fresh/"), dataset=dataset)
    output, report = compare(moved)
    assert output == "left=true\n"
    assert "1 left its interval, 0 moved within its interval, 1 not comparable" in report
    refused = report.partition("## Not replaced")[2]
    assert f"{other}: holds a record on other data" in refused
    assert (moved / PUBLISHED).read_bytes() == (moved / PUBLISHED.replace("leaderboard/", "fresh/")).read_bytes()


def test_an_open_pull_request_is_brought_up_to_date(moved, github):
    compare(moved)
    propose(moved, github, "5\n")
    assert (github / "calls").read_text().splitlines()[2:] == ["pr edit 5 --body-file body.md"]


def test_nothing_is_proposed_of_scores_that_stayed(workplace):
    write_again(
        workplace / PUBLISHED, workplace / PUBLISHED.replace("leaderboard/", "fresh/"), created="2026-01-01T00:00:00Z"
    )
    output, report = compare(workplace)
    assert output == "left=false\n"
    assert "1 unchanged" in report
    changed = subprocess.run(
        ["git", "status", "--short", "leaderboard"], cwd=workplace, capture_output=True, check=True
    )
    assert changed.stdout == b""


def test_a_comparison_that_fails_fails_the_job(workplace):
    (workplace / "fresh").mkdir()
    [step] = [step for step in commands("weekly", "make-again") if step.name == "Compare"]
    done = run(step.command, workplace, **step.env)
    assert done.returncode == 2
    assert "fresh: holds no record" in done.stderr

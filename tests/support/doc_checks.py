"""How a command or a block of the documentation is checked."""

import ast
import contextlib
import csv
import glob
import inspect
import io
import re
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import click
from doc_workplace import invoke
from places import ROOT
from short_run import SHORT

import vreid_bench
from vreid_bench.boards.board_file import read_boards
from vreid_bench.cli import run as run_module
from vreid_bench.cli.main import main
from vreid_bench.planning.plan import choose_recipe
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.claims import read_claims
from vreid_bench.scoring.conventions import read_convention

# Options that make a command small.
SMALL = {
    "shortened": (*SHORT, "--quiet"),
    "without canary": ("--canary", "none"),
    "without figures": ("--no-figures", "--quiet"),
}
# Of blocks that are no commands.
OTHERS = ("calls", "text")
# Of the commands of other programs.
ELSEWHERE = ("target", "test file", "extra", "module", "syntax", "script", "shell")
CHECKS = {"run", "planned", "parsed", *SMALL, *OTHERS, *ELSEWHERE}
# Names on the pages that stand for a run of the reader's own.
RUNS = r"runs/<id>|\bRUN\b|mars@synthetic-tacan-small-seed0-1a2b3c4d"


def check_command(check, text, place, mars):
    """Check a command in a folder; returns what it prints if it was run as it stands."""
    if not text.startswith("vreid-bench "):
        check_elsewhere(check, text)
        return None
    text, _, target = text.removeprefix("vreid-bench ").partition(" > ")
    words = find_words(text, place, mars)
    if check == "planned":
        plan(words)
    elif check == "parsed":
        parse(words)
    elif check == "run":
        said = succeed(words)
        if target:
            Path(place, target).write_text(said)
        return said
    else:
        succeed([*words, *SMALL[check]])
    return None


def find_words(text, place, mars):
    """The words of a command: what stands for something of the reader's own, and patterns, become what is here."""
    first, second, *_ = sorted(f"runs/{path.name}" for path in Path(place, "runs").iterdir() if path.is_dir())
    text = re.sub(RUNS, first, text.replace("RUN_A", first).replace("RUN_B", second))
    text = re.sub(r"/data/mars\b", str(mars), text).replace("DIRECTORY", "rendered")
    words = []
    for word in shlex.split(text):
        found = sorted(glob.glob(word, root_dir=place)) if "*" in word and f"'{word}'" not in text else []
        words += found or [word]
    return words


def succeed(words):
    """Run a command of vreid-bench, which has to end well; returns what it prints."""
    done = invoke(*words)
    assert done.exit_code == 0, done.output
    return done.stdout


def parse(words):
    """Parse the options of a command as click does before it runs it; returns their values."""
    command, name, rest = main, "vreid-bench", list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"there is no command {name!r}"
        command = command.commands[name]
    return command.make_context(name, rest).params


def plan(words):
    """Decide what `run` decides before it reads data, as for --dry-run; files that are brought are left out."""
    registry = Registry.installed()
    options = parse(words)
    if options["checkpoint"]:
        registry.entry("checkpoints", options["checkpoint"].partition(":")[0])
        find_protocol(registry.values("protocols"), options["protocol"])
        return

    def decide(request, level="info"):
        assert all(re.fullmatch(r"(encoder|aggregator|matcher)=\S+", each) for each in request.weights)
        choose_recipe(registry, replace(request, weights=()), dry=True)
        return SimpleNamespace(path="", ranking=""), None

    def decide_all(requests, several=False, as_json=False):
        for request in requests:
            decide(request)

    with (
        mock.patch.object(run_module, "finish", decide),
        mock.patch.object(run_module, "show_outlines", decide_all),
        mock.patch("vreid_bench.planning.plan.check_requests", decide_all),
        mock.patch("vreid_bench.planning.plan.check_buildable"),  # seconds for a network of full size
    ):
        succeed(words)


def check_elsewhere(check, text):
    """Check a command of another program: what it names exists."""
    words = shlex.split(text)
    if check == "target":
        makefile = (ROOT / "Makefile").read_text()
        for target in [word for word in words[1:] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"there is no target {target!r}"
    elif check == "test file":
        assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))
    elif check == "extra":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        named = {extra for group in re.findall(r"\[([\w,-]+)\]", text) for extra in group.split(",")}
        assert named <= set(extras)
    elif check == "module":
        name = words[words.index("-m") + 1]
        assert Path(ROOT, "harness", *name.split(".")).with_suffix(".py").exists()
    elif check == "script":
        assert Path(words[1]).exists(), "no block above is this file"
    elif check == "syntax":
        ast.parse(words[words.index("-c") + 1] if "-c" in words else "")
    else:
        assert check == "shell", "nothing checks this command"


def check_block(check, block, place):
    """Check a block that is no list of commands, and keep it as a file if it has a name."""
    if block.file:
        Path(place, block.file).parent.mkdir(parents=True, exist_ok=True)
        Path(place, block.file).write_text(block.text)
    if check == "text":
        return
    if check == "calls":
        check_calls(block.text)
    elif block.language == "python":
        said = run_script(block.text)
        assert block.printed is None or said == block.printed, said
    elif block.language == "toml":
        read_file(block.text, place)
    else:
        assert block.language == "csv", "nothing checks a block of this language"
        rows = list(csv.reader(io.StringIO(block.text)))
        assert len({len(row) for row in rows}) == 1


def run_script(code):
    """Run a script in this process, and return what it prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "block", "exec"), {"__name__": "block"})
    return said.getvalue()


def check_calls(code):
    """The script can be parsed, and what it calls of `vreid_bench` takes the options that it gives."""
    for node in ast.walk(ast.parse(code)):
        name = getattr(getattr(node, "func", None), "id", "")
        if name in vreid_bench.__all__:
            known = inspect.signature(getattr(vreid_bench, name)).parameters
            assert {keyword.arg for keyword in node.keywords} <= set(known), name


def read_file(text, place):
    """Let a file be read by what reads it: a board, claims, tables of a paper, a convention."""
    folder = Path(place, "files")
    for name in ("claims", "papers"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if "[[rows]]" in text:
        (folder / "board.toml").write_text(text)
        assert read_boards(folder, [str(folder / "board.toml")])
    elif "[[claim]]" in text:
        (folder / "claims/page.toml").write_text(f'paper = "A paper"\n{text}' if "paper =" not in text else text)
        read_claims(folder / "claims")
    elif "[[table]]" in text:
        (folder / "papers/page.toml").write_text(text)
        succeed(["reproduce", "page", "--papers", folder / "papers"])
    else:
        (folder / "convention.toml").write_text(text)
        read_convention(folder / "convention.toml")

"""What the README says is so."""

import re
import subprocess
import sys

from places import ROOT

README = (ROOT / "README.md").read_text()


def test_the_plugin_in_the_readme_is_the_one_that_the_tests_install():
    stranger = (ROOT / "tests/third_party/vreid-softmin/vreid_softmin.py").read_text()
    assert f"```python\n{stranger.rstrip()}\n```" in README
    project = (ROOT / "tests/third_party/vreid-softmin/pyproject.toml").read_text()
    assert f"```toml\n{project.rstrip()}\n```" in README


def test_every_command_in_the_readme_exists(cli):
    commands = re.findall(r"vreid-bench ((?:[a-z]+ ?)+)", "\n".join(re.findall(r"```console\n(.*?)```", README, re.S)))
    assert len(commands) > 8
    for command in {" ".join(c.split()[: 2 if c.startswith(("data ", "leaderboard add")) else 1]) for c in commands}:
        assert cli(*command.split(), "--help").exit_code == 0, command


def test_every_option_in_the_readme_exists(cli):
    commands = ([], ["run"], ["score"], ["compare"], ["leaderboard"], ["data", "verify"], ["conventions", "diff"])
    shown = "".join(cli(*command, "--help").stdout for command in commands)
    for option in set(re.findall(r"(?<=[ `])--[a-z][a-z-]*", README)):
        assert option in shown, option


def test_the_readme_is_finished():
    assert "@@" not in README


def test_every_link_in_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_example_of_scores_gives_the_figure_beside_it():
    script, figure = re.search(r"three lines:\n\n```python\n(.*?)```\n\n```\n(.*?)```", README, re.DOTALL).groups()
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == figure

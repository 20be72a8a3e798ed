"""The README's example of scores prints what the README says it prints."""

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_example_of_scores_gives_the_figure_beside_it():
    script, figure = re.search(r"three lines:\n\n```python\n(.*?)```\n\n```\n(.*?)```", README, re.DOTALL).groups()
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == figure

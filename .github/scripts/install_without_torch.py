"""Install the package without torch and without kernels: that is all that `leaderboard` and `record check` need.

    python .github/scripts/install_without_torch.py [CHECKOUT]

Everything else that pyproject.toml of the checkout asks for is installed by pip. It is an error if torch can be
imported afterwards, because then the check would not tell whether the leaderboard does without.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path


def list_requirements(project: Path) -> list[str]:
    """What the package needs beside torch, and what builds it without an isolated environment, which has torch."""
    tables = tomllib.loads(project.read_text())
    needed = tables["project"]["dependencies"]
    builds = [each for each in tables["build-system"]["requires"] if each.startswith("setuptools")]
    return [each for each in (*needed, *builds) if not re.match(r"torch(?![\w.-])", each)]


def main() -> None:
    """Install, then look whether torch is there."""
    checkout = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *list_requirements(checkout / "pyproject.toml")], check=True)
    plain = {**os.environ, "VREID_NATIVE": "0"}
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(checkout)], check=True, env=plain)
    if find_spec("torch"):
        sys.exit("torch is installed; expected an environment without it")


if __name__ == "__main__":
    main()

"""`data.json`: where the data of a run was, so that a command on the run finds it again.

It names folders of this machine, so it stays in the run's folder and is no part of the record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from vreid_bench.system.files import write_atomic
from vreid_bench.system.plain_json import load_json

FILE = "data.json"


def write_data_roots(run: Path, roots: Mapping[str, Path]) -> None:
    """Write the folder of each data set, by name, into the folder of a run."""
    content = {name: str(root.absolute()) for name, root in roots.items()}
    write_atomic(run / FILE, json.dumps(content, sort_keys=True).encode())


def read_data_roots(run: Path) -> dict[str, Path]:
    """The folder of each data set of a run, by name; empty if the run did not keep them or the file is damaged."""
    try:
        return {str(name): Path(root) for name, root in load_json((run / FILE).read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}

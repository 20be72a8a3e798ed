"""What the scores are timed against: evaluators as the field writes them, re-stated from their documented rules."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np

BUILD = Path(__file__).parents[2] / "build" / "peers"
DEEPEST = 50


def argsort_scores(distance, query_pids, pids, query_camids, camids, trapezoid=False):
    """Sort every row of the matrix, in blocks of queries: AP [Q] and first rank [Q], NaN and -1 without a match."""
    precision, first = np.full(len(distance), np.nan), np.full(len(distance), -1)
    for begin in range(0, len(distance), 128):
        rows = slice(begin, begin + 128)
        order = np.argsort(distance[rows], axis=1, kind="stable")  # [R, G]
        same = pids[order] == query_pids[rows, None]
        ranked = ~(same & (camids[order] == query_camids[rows, None])) & (pids[order] != -1)
        hit = same & ranked
        rank = np.cumsum(ranked, axis=1)[hit]
        owner, nth = np.nonzero(hit)[0], np.cumsum(hit, axis=1)[hit]
        value = nth / rank
        if trapezoid:
            value = (value + np.where(rank > 1, (nth - 1) / np.maximum(rank - 1, 1), 1)) / 2
        total = np.bincount(owner, minlength=len(order))
        found = np.flatnonzero(total)
        precision[begin + found] = np.bincount(owner, weights=value, minlength=len(order))[found] / total[found]
        first[begin + owner[nth == 1]] = rank[nth == 1] - 1
    return precision, first


def compiled():
    """torchreid's compiled evaluator and its name: its own source where VREID_TORCHREID is a clone of it (its package
    on PyPI comes without), else re-stated in `evaluator.pyx`. Raises ImportError without Cython."""
    if clone := os.environ.get("VREID_TORCHREID"):
        module = _built(Path(clone) / "torchreid" / "metrics" / "rank_cylib" / "rank_cy.pyx")
        return "torchreid", module.evaluate_cy
    return "torchreid, re-stated", _built(Path(__file__).with_name("evaluator.pyx")).evaluate


def _built(source):
    """The module of a Cython source, compiled now if it is not yet."""
    import Cython.Build  # noqa: F401 - is it there?

    library = BUILD / f"{source.stem}{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        copy = BUILD / source.name
        copy.write_bytes(source.read_bytes())
        command = [sys.executable, "-m", "Cython.Build.Cythonize", "-i", "-q", str(copy)]
        include = os.environ | {"CFLAGS": f"-I{np.get_include()}"}
        subprocess.run(command, check=True, cwd=BUILD, env=include, stdout=sys.stderr)
    spec = importlib.util.spec_from_file_location(source.stem, library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

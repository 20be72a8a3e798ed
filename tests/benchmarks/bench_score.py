"""Scores against evaluators as the field writes them. Fails if results differ or a promised ratio is not kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from measure import broken, record

CASES = Path(__file__).with_name("score_cases.py")


@pytest.mark.parametrize("name", ["score_matrix", "score_embeddings", "score_million", "score_many_matches"])
def test_scores(name):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, str(CASES), name], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    entry = json.loads(result.stdout)
    record(name, entry)
    print(name, json.dumps(entry, indent=1))
    assert not broken(name, entry)

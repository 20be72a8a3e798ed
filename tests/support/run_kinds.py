"""Runs of several kinds on tiny data."""

import shutil

from click.testing import CliRunner
from short_run import SHORT

from vreid_bench.cli.main import main

TESTS = {  # name -> a test of the weights of a finished run
    "conditions": ("--protocol", "mars-corruption"),
    "selected": ("--protocol", "mars-tracklet-selection"),
    "reranked": ("--rerank", "zhong:k1=4,k2=2"),
}
SPLITS = ("--protocol", "ilids-vid", "--splits", "0-1", *SHORT, "--set", "stages.0.P=2")


def make_kinds(folder, finished, mars, ilids):
    """Fill a folder of runs: `plain`, a copy of the finished run; TESTS of its weights; `pairs`, and `splits`."""
    shutil.copytree(finished, folder / "plain")
    for name, options in TESTS.items():
        _run(folder, name, "--from", folder / "plain", "--data", mars, *options)
    _run(folder, "pairs", "--plugin", "top", "--data", mars, *SHORT)
    _run(folder, "splits", "--plugin", "mean-pooling", "--data", ilids, *SPLITS)


def _run(folder, name, *options):
    before = set(folder.iterdir())
    result = CliRunner().invoke(main, ["run", "--runs", str(folder), *map(str, options)])
    assert result.exit_code == 0, result.output
    [made] = set(folder.iterdir()) - before
    made.rename(folder / name)

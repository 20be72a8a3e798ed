"""`vreid-bench export`: writes a run's features, distances or ranking in the forms of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.options import FILE, takes_inputs
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

FEATURES = ("mat", "npz", "pt", "hdf5", "csv", "parquet")
DISTANCES = ("mat", "ag-vpreid", "mevid", "hdf5")
RANKINGS = ("ag-vpreid", "vreid-xfd", "grew", "hid", "trec")


@click.command()
@takes_inputs
@click.option("--features", type=click.Choice(FEATURES), help="One vector for each tracklet, with its labels.")
@click.option("--distances", type=click.Choice(DISTANCES), help="The matrix [Q, G], with the labels of both sides.")
@click.option("--ranking", type=click.Choice(RANKINGS), help="The gallery's order for each query, without distances.")
@click.option("--metric", help="cosine, euclidean or sqeuclidean; default: that of the run, else cosine.")
@click.option("-o", "--out", type=FILE, required=True, help="The file to write; trec also writes OUT.qrels.")
def export(
    features: str | None, distances: str | None, ranking: str | None, metric: str | None, out: Path, **inputs: Any
) -> None:
    """Write what a run computed for other programs.

    FILE is the folder of a run, or what `score` reads: one file, several together, or --query and --gallery. What is
    written can be scored again.

    \b
        vreid-bench export runs/<id> --features mat -o pytorch_result.mat
        vreid-bench export runs/<id> --ranking vreid-xfd -o submission.csv
        vreid-bench export --query q.npz --gallery g.npz --features parquet -o features.parquet
    """
    from vreid_bench.scoring.exports import export as write
    from vreid_bench.scoring.exports import read_test
    from vreid_bench.scoring.inputs import Inputs

    asked = [
        (name, form) for name, form in (("features", features), ("distances", distances), ("ranking", ranking)) if form
    ]
    if len(asked) != 1:
        raise InputError("expected one of --features, --distances and --ranking, each with its form")
    what, form = asked[0]
    for path in write(read_test(Inputs(**inputs), metric, ranked=what != "features"), what, str(form), out):
        echo(path)

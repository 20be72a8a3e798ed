"""The commands on results: features and distances made anywhere, and finished runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.options import AS_JSON, DEVICE, FILE, MEMORY, QUIET, RERANK, RUNS, THREADS


@click.command()
@click.option("--query", type=FILE, help=".npz with embedding, pid, camid of the queries.")
@click.option("--gallery", type=FILE, help=".npz with embedding, pid, camid of the gallery, in ranking order.")
@click.option("--distance", type=FILE, help=".npy [Q, G], smaller is closer; the other files then give labels.")
@click.option("--query-distance", type=FILE, help=".npy [Q, Q], for --rerank with --distance.")
@click.option("--gallery-distance", type=FILE, help=".npy [G, G], for --rerank with --distance.")
@click.option("--features", type=FILE, help=".npz of all test tracklets in one, or a run, or a run's feature store.")
@click.option("--protocol", help="With --info: whose index files give the labels, for instance mars.")
@click.option("--info", type=FILE, help="Folder of these files (MARS: tracks_test_info.mat, query_IDX.mat).")
@click.option("--metric", help="cosine, euclidean or sqeuclidean; default: as the run did, else cosine.")
@click.option("--matcher", help="Compare by this matcher; `vreid-bench list matchers` shows all.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True)
@RERANK
@MEMORY
@click.option("--convention", "conventions", multiple=True, help="Default: the protocol's, else those of MARS.")
@click.option("--far", "rates", type=float, multiple=True, help="Add the true accept rate at this false accept rate.")
@click.option("--per-query", type=FILE, help="Also write AP and first rank of each query to this .npz.")
@AS_JSON
def score(per_query: Path | None, as_json: bool, **options: Any) -> None:
    """Score features or distances made anywhere, under every convention at once.

    \b
        vreid-bench score --query q.npz --gallery g.npz --metric cosine
        vreid-bench score --distance d.npy --query q.npz --gallery g.npz
        vreid-bench score --features test.npz --protocol mars --info DIR --json
        vreid-bench score --features runs/<id>
    """
    from vreid_bench.records.npz import to_npz
    from vreid_bench.scoring.inputs import Request, score_files
    from vreid_bench.system.files import write_atomic

    report = score_files(Request(**options))
    if per_query is not None:
        write_atomic(per_query, to_npz(report.per_query()))
    click.echo(json.dumps(report.metrics()) if as_json else report)


@click.command()
@click.argument("run", type=FILE)
@click.option("--protocol", help="Test its weights under this protocol; default: that of the run.")
@click.option("--data", type=FILE, help="The rendered data; default VREID_DATA, else the synthetic twin.")
@RUNS
@DEVICE
@THREADS
@QUIET
@AS_JSON
def visibility(run: Path, as_json: bool, **options: Any) -> None:
    """Does RUN weigh frames and clips by how much of the person can be seen? On rendered data, where that is known.

    Spearman's rank correlation within a clip or a tracklet, averaged, with its interval over people.

    \b
        vreid-bench visibility runs/mars-tacan-small-seed0-1a2b3c4d
        vreid-bench visibility runs/mars-clip-learned-small-seed0-5e6f7a8b --protocol mars-corruption
    """
    from vreid_bench.evaluation.agreement import as_json as listed
    from vreid_bench.evaluation.agreement import shown
    from vreid_bench.evaluation.visibility import measure_visibility

    found = measure_visibility(run, **options)
    click.echo(json.dumps({"agreement": listed(found)}) if as_json else shown(found))

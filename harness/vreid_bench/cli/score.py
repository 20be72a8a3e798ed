"""`vreid-bench score`: scores features or distances that were computed elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.options import AS_JSON, FILE, MEMORY, RERANK, takes_inputs
from vreid_bench.system.terminal import echo


@click.command()
@takes_inputs
@click.option("--distance", type=FILE, help=".npy [Q, G], smaller is closer; the labels come from the other files.")
@click.option("--query-distance", type=FILE, help=".npy [Q, Q], for --rerank with --distance.")
@click.option("--gallery-distance", type=FILE, help=".npy [G, G], for --rerank with --distance.")
@click.option("--features", type=FILE, help="All test tracklets: an .npz, a run, or a run's feature store.")
@click.option("--protocol", help="With --info: a protocol on the data set of the index files, for instance mars.")
@click.option("--info", type=FILE, help="Folder of the index files (MARS: tracks_test_info.mat, query_IDX.mat).")
@click.option("--metric", help="cosine, euclidean or sqeuclidean; default: that of the run, else cosine.")
@click.option("--matcher", help="Compare with this matcher; `vreid-bench list matchers` shows all.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True)
@RERANK
@MEMORY
@click.option(
    "--candidates",
    type=click.IntRange(1),
    help="Re-rank so many first ranks of each query, of a gallery in shards: an approximation; default: 200.",
)
@click.option(
    "--convention",
    "conventions",
    multiple=True,
    help="A name, or a TOML file (see `conventions show`). Default: all of the protocol or of the run; else, those of "
    "MARS if the gallery holds every query, or gallery-as-listed.",
)
@click.option("--similarity/--no-similarity", default=None, help="The matrix holds similarities, or distances.")
@click.option("--pool", metavar="NAME", help="Pool frames by this aggregator; default where frames are met: average.")
@click.option("--ranking", type=FILE, help="A ranking (CSV of a challenge, or a TREC run); labels from FILE.")
@click.option("--at", "depths", type=int, multiple=True, metavar="K", help="Add the mAP of the first K ranks.")
@click.option(
    "--ties",
    type=click.Choice(["listed", "expected"]),
    help="At equal distances, the gallery's order decides (default), or the mean over all orders is scored.",
)
@click.option("--by", multiple=True, metavar="COLUMN", help="Also show the scores by this attribute of the queries.")
@click.option("--far", "rates", type=float, multiple=True, help="Add the true accept rate at this false accept rate.")
@click.option(
    "--precision",
    "precisions",
    type=click.Choice(["fp16", "int8"]),
    multiple=True,
    help="Also score the vectors rounded to this, and what is lost; may be repeated.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="How many read a gallery in shards at a time; default: one process, or as many as a cluster has room for.",
)
@click.option(
    "--executor",
    metavar="NAME",
    default="local",
    show_default=True,
    help="Where they are: local, ray or that of a plugin, with options as in ray:address=auto.",
)
@click.option("--per-query", type=FILE, help="Also write AP and first rank of each query to this .npz.")
@AS_JSON
def score(per_query: Path | None, as_json: bool, **options: Any) -> None:
    """Score features or distances from any source.

    They are scored under every convention at once. FILE is recognised by its content and its keys. A gallery in shards
    is a --gallery, too: 'shard-*.npz', or the folder that `gallery write` made.

    \b
        vreid-bench score pytorch_result.mat
        vreid-bench score --query q.npz --gallery g.npz --metric cosine
        vreid-bench score --query q.npz --gallery 'shard-*.npz' --precision int8
        vreid-bench score --distance d.npy --query q.npz --gallery g.npz
        vreid-bench score --features test.npz --protocol mars --info DIR --json
        vreid-bench score --features runs/<id>
    """
    from vreid_bench.records.npz import to_npz
    from vreid_bench.scoring.rankings import score_ranking
    from vreid_bench.scoring.score import score_files
    from vreid_bench.scoring.score_request import ScoreRequest
    from vreid_bench.system.files import write_atomic

    request = ScoreRequest(**options)
    report = score_files(request) if request.ranking is None else score_ranking(request)
    if per_query is not None:
        write_atomic(per_query, to_npz(report.per_query()))
    echo(json.dumps(report.metrics()) if as_json else report)

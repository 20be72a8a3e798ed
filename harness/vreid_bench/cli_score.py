"""The commands that score what was made elsewhere, or again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
FILE = click.Path(path_type=Path)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def size_of(context: click.Context, parameter: click.Parameter, text: str) -> int:
    """A number of bytes with an optional K, M or G."""
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in UNITS else (text, "")
    if not number.isdigit():
        raise click.BadParameter(f"{text!r} is no size; wanted bytes, or for instance 500M or 2G")
    return int(number) * UNITS[unit]


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
@click.option("--rerank", metavar="NAME", help="Re-rank, for instance by zhong or zhong:k1=50,k2=15.")
@click.option("--memory", callback=size_of, default="64M", show_default=True, help="For re-ranking, beside its result.")
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
    from vreid_bench.files import write_atomic
    from vreid_bench.inputs import Request, score_files
    from vreid_bench.metrics import npz

    report = score_files(Request(**options))
    if per_query is not None:
        write_atomic(per_query, npz(report.per_query()))
    click.echo(json.dumps(report.metrics()) if as_json else report)


@click.command()
@click.argument("run", type=FILE)
@click.option("--protocol", help="Test its weights under this protocol; default: that of the run.")
@click.option("--data", type=FILE, help="The rendered data; default VREID_DATA, else the synthetic twin.")
@click.option("--runs", type=FILE, default=Path("runs"), show_default=True, help="Where run folders are.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option("--threads", type=click.IntRange(1), help="Processor threads; default: all cores.")
@click.option("--quiet", is_flag=True, help="No progress bars.")
@AS_JSON
def visibility(run: Path, as_json: bool, **options: Any) -> None:
    """Does RUN weigh frames and clips by how much of the person can be seen? On rendered data, where that is known.

    Spearman's rank correlation within a clip or a tracklet, averaged, with its interval over people.

    \b
        vreid-bench visibility runs/mars-tacan-small-seed0-1a2b3c4d
        vreid-bench visibility runs/mars-clip-learned-small-seed0-5e6f7a8b --protocol mars-corruption
    """
    from vreid_bench.report.agreement import as_json as listed
    from vreid_bench.report.agreement import shown
    from vreid_bench.report.visibility import visibility as agreement

    found = agreement(source=run, **options)
    click.echo(json.dumps({"agreement": listed(found)}) if as_json else shown(found))


@click.group()
def conventions() -> None:
    """How a ranking is scored: what the rules make of one run."""


@conventions.command()
@click.argument("run", type=FILE)
@AS_JSON
def diff(run: Path, as_json: bool) -> None:
    """Which single rule moved mAP and R1 of RUN (a finished run's folder), and by how much.

    \b
        vreid-bench conventions diff runs/mars-personvlad-small-seed0-1a2b3c4d
    """
    from vreid_bench.report.difference import differences, shown

    found = differences(run)
    click.echo(json.dumps(found) if as_json else shown(found))

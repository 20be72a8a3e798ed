"""The commands on galleries in shards: writing one, and checking it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.options import FILE, ONLY_BARS
from vreid_bench.system.terminal import echo


@click.group()
def gallery() -> None:
    """Write and check galleries that are larger than memory."""


@gallery.command()
@click.argument("folder", type=FILE)
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE...")
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32", "float16", "int8"]),
    default="float32",
    show_default=True,
    help="What vectors are stored as; int8 has a scale for each vector.",
)
@click.option("--rows", type=click.IntRange(1), help="Rows of a shard; default: as many as take 128 MiB in float32.")
@click.option(
    "--labels",
    type=click.Choice(["parquet", "npz"]),
    default="parquet",
    show_default=True,
    help="The files of the labels; Parquet needs pyarrow.",
)
@ONLY_BARS
def write(folder: Path, files: tuple[Path, ...], **options: Any) -> None:
    """Write the new gallery FOLDER from files.

    FILE is an .npz with embedding, pid and camid, a pattern of such files, or a run with features. `score --gallery
    FOLDER` reads the shards block by block. Repeat an interrupted command to go on.

    \b
        vreid-bench gallery write big 'features-*.npz' --dtype float16
    """
    from vreid_bench.scoring.galleries.sources import Files
    from vreid_bench.scoring.galleries.writer import write_gallery

    manifest = write_gallery(folder, Files.find(files), **options)
    echo(f"{folder}: {manifest.describe()}; `vreid-bench score --query FILE --gallery {folder}` reads it")


@gallery.command()
@click.argument("folder", type=FILE)
@ONLY_BARS
def verify(folder: Path) -> None:
    """Read all of the gallery FOLDER and report every file at fault.

    \b
        vreid-bench gallery verify big
    """
    from vreid_bench.scoring.galleries.folder import check_gallery
    from vreid_bench.scoring.galleries.manifest import read_manifest

    problems = list(check_gallery(folder))
    for problem in problems:
        echo(problem)
    if problems:
        raise click.exceptions.Exit(2)
    echo(f"{folder}: no fault; {read_manifest(folder).describe()}")

"""The commands on data: rendering synthetic data, cutting tracklets out of videos, and checking copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.options import ACCEPT_WITHDRAWN, AS_JSON, FILE, ONLY_BARS
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo


@click.group()
def data() -> None:
    """Make synthetic data or tracklets of videos, and check copies."""


@data.command()
@click.argument("directory", type=FILE)
@click.option("--layout", default="mars", show_default=True, help="Write the folders and index files of this data set.")
@click.option("--ids", type=click.IntRange(2), help="Number of people to train on; the same number is tested on.")
@click.option(
    "--unlabelled", type=click.IntRange(0), help="Tracklets of people without a label in the training part (mars only)."
)
@click.option("--cameras", type=click.IntRange(2), help="Number of cameras.")
@click.option("--size", metavar="HxW", help="Height and width of a frame in pixels, for instance 64x32.")
@click.option("--seed", type=click.IntRange(0, 2**53), help="The seed of the rendered world.")
@ONLY_BARS
def synthesize(directory: Path, layout: str, size: str | None, **world: Any) -> None:
    """Render synthetic pedestrians into the new folder DIRECTORY.

    They lie there in the layout of a data set.

    \b
        vreid-bench data synthesize /tmp/mars --layout mars --ids 20 --size 64x32
    """
    from vreid_bench.contracts.dataset import TwinReader
    from vreid_bench.planning.data_root import find_dataset
    from vreid_bench.registry.registry import Registry

    reader = find_dataset(Registry.installed(), layout).value
    if not isinstance(reader, TwinReader):
        raise InputError(f"--layout {layout}: this data set has no synthetic twin; choose another layout")
    if size is not None:
        world["size"] = _parse_size(size)
    reader.synthesize(directory, **{name: value for name, value in world.items() if value is not None})
    echo(f"{directory}: ready; `vreid-bench data verify {layout} --data {directory}` checks it")


@data.command()
@click.argument("source", type=FILE)
@click.argument("directory", type=FILE)
@click.option("--layout", default="mot", show_default=True, help="The data set whose layout SOURCE has.")
@click.option("--tracks", type=FILE, help="A folder with NAME.txt of each sequence, instead of the tracks in SOURCE.")
@click.option("--fps", metavar="RATE", help="Frames per second of the videos; default: seqinfo.ini, else the video.")
@click.option("--min-frames", "least", type=int, default=8, show_default=True, help="Leave shorter tracklets out.")
@click.option("--every", type=int, default=1, show_default=True, help="Take every n-th frame of a video.")
@click.option("--cut", "seconds", type=float, default=0.0, help="Cut tracks into tracklets of so many seconds.")
@click.option("--train", is_flag=True, help="List the tracklets as a training part, not as a test.")
@ONLY_BARS
def from_tracks(source: Path, directory: Path, layout: str, **options: Any) -> None:
    """Cut tracklets out of videos.

    The tracks are in SOURCE, and the tracklets are written into the new folder DIRECTORY.

    SOURCE has the tracks of each video as MOTChallenge text: NAME.txt, or NAME/gt/gt.txt. The frames are in NAME/img1
    or in a video NAME.avi, .mp4, .mkv or another. An interrupted command goes on when it is repeated.

    \b
        vreid-bench data from-tracks my-tracks my-tracklets --min-frames 16
        vreid-bench data from-tracks MOT17/train mot17 --tracks my-tracker/MOT17
    """
    from vreid_bench.contracts.dataset import CuttingReader
    from vreid_bench.planning.data_root import find_dataset
    from vreid_bench.registry.registry import Registry

    reader = find_dataset(Registry.installed(), layout).value
    if not isinstance(reader, CuttingReader):
        raise InputError(f"--layout {layout}: its reader cuts no tracklets out of videos; choose another layout")
    counts = reader.cut(source, directory, **options)
    width = max(map(len, counts))
    echo("\n".join(f"{what:{width}}  {number:,}" for what, number in counts.items()))
    echo(f"{directory}: ready; `vreid-bench data verify {layout} --data {directory}` checks it")


@data.command()
@click.argument("dataset")
@click.option("--data", "root", type=FILE, help="Your copy; default: VREID_DATA, else the synthetic twin.")
@click.option("--decode", is_flag=True, help="Also decode every frame.")
@ACCEPT_WITHDRAWN
@ONLY_BARS
@AS_JSON
def verify(dataset: str, root: Path | None, decode: bool, accept_withdrawn: tuple[str, ...], as_json: bool) -> None:
    """Check a copy of DATASET and report every fault in it.

    Its counts are compared with the published ones. Every reader can be checked. What a run would refuse is among
    the faults.

    \b
        vreid-bench data verify mars --data /data/mars --decode
    """
    from vreid_bench.planning.dataset_check import check_dataset
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting import dataset_check

    check = check_dataset(Registry.installed(), dataset, root, decode, accept_withdrawn)
    echo(json.dumps(dataset_check.as_json(check)) if as_json else dataset_check.as_text(check, decoded=decode))
    if check.problems:
        raise click.exceptions.Exit(2)


def _parse_size(text: str) -> tuple[int, int]:
    height, by, width = text.lower().partition("x")
    if not (by and height.isdigit() and width.isdigit() and int(height) and int(width)):
        raise InputError(f"--size {text!r}: expected HEIGHTxWIDTH in pixels, for instance 64x32")
    return int(height), int(width)

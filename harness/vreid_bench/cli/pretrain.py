"""The command `pretrain`: train a small encoder on its own, and write its weights to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.arithmetic import take_arithmetic
from vreid_bench.cli.options import (
    ARITHMETIC,
    CHECKPOINT_EVERY,
    DEVICE,
    FILE,
    LOG_LEVEL,
    QUIET,
    RUNS,
    THREADS,
)
from vreid_bench.cli.plugin_file import take_plugin
from vreid_bench.cli.run import finish
from vreid_bench.system.terminal import echo


@click.command()
@click.argument("method")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The .safetensors file to write.",
)
@click.option("--seed", type=click.IntRange(0, 2**53), default=0, show_default=True, help="Decides every random draw.")
@click.option("--steps", type=click.IntRange(1), default=2000, show_default=True, help="Training steps.")
@click.option(
    "--protocol", default="pretraining", show_default=True, help="The people to train on, and others to test on."
)
@click.option("--data", type=FILE, help="Your copy of its dataset; default: VREID_DATA, else it is rendered.")
@RUNS
@DEVICE
@THREADS
@ARITHMETIC
@CHECKPOINT_EVERY
@QUIET
@LOG_LEVEL
def pretrain(method: str, out: Path, log_level: str, **options: Any) -> None:
    """Train an encoder to tell people apart, and write its weights.

    METHOD's encoder is taken as its preset small has it; a part is taken into the baseline, and FILE.py names one, as
    by `run --plugin`. A file that the encoder lists as `shipped` need not be there yet.
    The frames of a clip are averaged, and a classifier names the person: no aggregator and no metric loss takes part,
    so that every method begins equally well. By default it learns from 640 rendered people, who are in no
    synthetic twin, nor are their streets and cameras. The score is that of 106 others.

    \b
        vreid-bench pretrain mean-pooling --out resnet.safetensors
        vreid-bench run --plugin tacan --protocol mars --weights encoder=resnet.safetensors

    It is an ordinary run in the folder --runs: repeat the command to continue it when it was interrupted, or to
    write the file again. The file has the encoder's tensors and a note: encoder and options, hashes of recipe, data,
    code and tensors, seed, steps, and the score. Methods with one encoder need one file.

    \b
        vreid-bench pretrain clip-average --steps 1000 --out i3d.safetensors
        vreid-bench pretrain my-method --protocol custom --data my-people --out mine.safetensors
    """
    take_arithmetic(options.pop("arithmetic"), None, {**options, "preset": "small"})
    from vreid_bench.contracts.recipe import describe_part
    from vreid_bench.planning.method import RUNNABLE
    from vreid_bench.planning.pretraining import PretrainRequest, plan_pretraining
    from vreid_bench.registry.registry import Registry

    method = take_plugin(method, RUNNABLE)
    folder, record = finish(plan_pretraining(PretrainRequest(method, **options), Registry.installed()), log_level)
    from vreid_bench.records.encoder_file import pack_encoder  # imports torch, to read tensors
    from vreid_bench.system.files import write_atomic

    assert record is not None, "rendered data can be scored"
    content, note = pack_encoder(folder, record)
    write_atomic(out, content)
    echo(
        f"{out}: encoder {describe_part(note.part)}, {len(content) / 1000:,.0f} KB; mAP {100 * note.mAP:.1f}, "
        f"R1 {100 * note.R1:.1f} on people who were not trained on"
    )

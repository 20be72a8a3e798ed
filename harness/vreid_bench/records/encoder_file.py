"""The file that `vreid-bench pretrain` writes: the tensors of one encoder, under its own names, with their note."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue
from torch import Tensor

from vreid_bench.records.encoder_note import EncoderNote
from vreid_bench.records.fields import Entry, Text
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.records.tensors import pack_tensors, unpack_tensors
from vreid_bench.system.arithmetic import name_arithmetic
from vreid_bench.system.fingerprint import digest

ENCODER = "encoder."  # before every name of the encoder's in the weights of a run


class Described(Entry):
    """A part as a record describes it."""

    name: Text
    options: dict[str, JsonValue]


def pack_encoder(folder: RunDirectory, record: Record) -> tuple[bytes, EncoderNote]:
    """The content of the file for a finished run of this process's arithmetic, and its note.

    Of several splits, the first that ran. Raises InputError if its weights cannot be read.
    """
    splits = record.splits
    place = folder.fold(splits.ran[0], splits.total) if splits else folder.fold(0, 1)
    tensors = take_encoder(place.weights)
    encoder, data = Described.model_validate(record.method.recipe["encoder"]), record.taught or record.dataset
    scores = record.conventions[record.protocol.headline]
    note = EncoderNote(
        name=encoder.name,
        options=encoder.options,
        recipe=digest(record.method.settings),
        protocol=record.protocol.name,
        data=digest([data.fingerprint, data.content]),
        code=record.code.training if record.code else None,
        seed=record.seed,
        steps=record.budget.steps,
        arithmetic=name_arithmetic(),
        content=hash_tensors(tensors),
        mAP=scores.mAP,
        R1=scores.R1,
    )
    return pack_tensors(tensors, note.to_note()), note


def take_encoder(weights: Path) -> dict[str, Tensor]:
    """The encoder's tensors in the weights of a run, by its own names; without counters, which have no effect.

    Raises InputError if the file cannot be read.
    """
    tensors, _ = unpack_tensors(weights)
    return {
        name.removeprefix(ENCODER): value
        for name, value in tensors.items()
        if name.startswith(ENCODER) and value.is_floating_point()
    }


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names, types, shapes and values: the same however a file orders them."""
    hasher = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        hasher.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        hasher.update(value.detach().cpu().contiguous().numpy().tobytes())
    return hasher.hexdigest()

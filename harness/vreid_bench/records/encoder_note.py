"""The note in the file that `vreid-bench pretrain` writes: which encoder it holds, and how its weights came about.

It is read without its tensors and without torch.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from vreid_bench.contracts.recipe import Part
from vreid_bench.records.fields import Count, Entry, Fraction, Hash, Name, Text
from vreid_bench.records.note import read_note
from vreid_bench.records.parse import parse
from vreid_bench.system.errors import InputError

KEY = "pretraining"  # the only entry of the file's own note, so that equal weights are equal files


class EncoderNote(Entry):
    """All that decides the weights but the code of the harness, and what they can do."""

    name: Text  # of the encoder's plugin: `resnet`
    options: dict[str, JsonValue]  # of the encoder, every one filled in
    recipe: Hash  # over the settings of the method that was trained
    protocol: Name  # that was trained under
    data: Hash  # over the frames trained on, and their labels
    code: Hash | None  # over the code that trains; None: not known
    seed: Count
    steps: Count
    arithmetic: Text  # which last bits: `portable`, or `native` and the instruction set
    content: Hash  # over the tensors
    mAP: Fraction  # on people who were not trained on
    R1: Fraction

    @property
    def part(self) -> Part:
        """The encoder."""
        return Part(self.name, {name: _freeze(value) for name, value in self.options.items()})

    def to_note(self) -> dict[str, str]:
        """The note of the file."""
        return {KEY: self.model_dump_json()}


def read_encoder_note(path: Path) -> EncoderNote | None:
    """The note of a file; None for a file that something else wrote. Raises InputError for a note that is not valid."""
    text = read_note(path).get(KEY)
    if text is None:
        return None
    try:
        return parse(text.encode(), EncoderNote)
    except ValueError as fault:
        raise InputError(
            f"{path}: the note of its pre-training is not valid ({fault}); write the file again with "
            "`vreid-bench pretrain`"
        ) from fault


def _freeze(value: object) -> object:
    """Lists of JSON as the tuples of a recipe."""
    return tuple(_freeze(each) for each in value) if isinstance(value, list) else value

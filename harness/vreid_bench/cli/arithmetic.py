"""Which arithmetic a command computes with. Chosen before NumPy and torch are loaded, which is when it takes effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vreid_bench.planning.preset import choose_preset
from vreid_bench.system.arithmetic import Arithmetic, choose_arithmetic, explain_impossible, is_pinned
from vreid_bench.system.gpu import has_gpu
from vreid_bench.system.progress import tell_once


def take_arithmetic(asked: Arithmetic | None, source: Path | None, options: dict[str, Any]) -> None:
    """Choose the arithmetic of a run, or of a test of the weights of the run `source`.

    asked: `--arithmetic`; None: that of `source`, else portable for preset small and native for preset paper. A GPU and
        several threads have native arithmetic only.
    options: those of the command: `runs`, `device`, `threads`, and without a `source` `preset` and `data`, or
        `checkpoint`.

    Raises InputError if portable arithmetic is asked for where there is none, or if there is no run `source`.
    """
    if asked is not None:
        return choose_arithmetic(asked)
    gpu = options["device"] not in ("auto", "cpu") or (options["device"] == "auto" and has_gpu())
    if gpu or options["threads"] not in (None, 1) or is_pinned():
        return None
    if options.get("checkpoint"):
        portable = False  # the printed test, as at preset paper
    elif source is None:
        portable = choose_preset(options["preset"], options["data"]) == "small"
    else:
        portable = read_arithmetic(source, options["runs"]) == "portable"
    if not portable:
        return None
    if reason := explain_impossible():
        return tell_once(f"note: computed with --arithmetic native, another training than elsewhere: {reason}")
    return choose_arithmetic("portable")


def read_arithmetic(run: Path, runs: Path) -> Arithmetic | None:
    """The arithmetic of a finished run; None: not known. Raises InputError if there is no such run."""
    from vreid_bench.records.named_run import find_run
    from vreid_bench.records.record import Record

    return Record.from_file(find_run(run, runs).record).environment.arithmetic

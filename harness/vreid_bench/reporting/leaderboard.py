"""The leaderboard's folder: records are the truth, every page follows from them byte for byte."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from vreid_bench.records.entries import Ruled
from vreid_bench.records.record import Record, record_path
from vreid_bench.reporting.board import LEGENDS, SOURCES, Track, tracks
from vreid_bench.reporting.tables import budget_table, conditions_table, index_table, quoted_table, results_table
from vreid_bench.reporting.text import escaped, refusals
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

MARK = "<!-- Generated from records/ by `vreid-bench leaderboard`; do not edit. -->\n"
LEGEND = """\
Scores are percentages: mean ± sample standard deviation over seeds. `95 %` is the bootstrap interval over query
identities, its ends averaged over seeds. Columns without a convention's name are under the headline convention, whose
mAP ranks the table. *Reported* numbers stand as their papers print them, for the full recipe on the real data.
"""
OVER_SPLITS = """\
Every score is the mean over the splits named above a table. `± splits` is the sample standard deviation over them, each
averaged over the seeds; it tells how much the splits differ, and ± behind a mean how much the seeds do.
"""
CONDITIONS = """\
The same weights under each condition of the protocol, by the headline convention: mean ± sample standard deviation over
seeds (95 % interval). The table above is over the conditions that the protocol ranks by.
"""
QUOTED = """\
What the papers of these methods quote of other systems, as they print it: for reference, nothing here was measured.
"""
KEPT = ("records", "kernels")  # folders; all other files are pages


def add(record_file: Path, leaderboard: Path, replace: bool = False) -> Path:
    """Copy a record, given as its file or its run's folder, to its place and return that.

    Only the record moves in; per-query sidecars stay with the run, and the pages are left to `write`. Raises
    InputError for an invalid record, and for one that would overwrite another unless `replace`.
    """
    place, content = _placed(record_file, leaderboard, replace)
    write_atomic(place, content)
    return place


def _placed(record_file: Path, leaderboard: Path, replace: bool) -> tuple[Path, bytes]:
    """Where a record goes, and its bytes, once it is sure that it may go there."""
    if record_file.is_dir() and not (record_file / "record.json").exists():
        raise InputError(f"{record_file}: this run is not finished, it has no record.json; repeat its command")
    record = Record.from_file(record_file / "record.json" if record_file.is_dir() else record_file)
    place = leaderboard / "records" / record_path(record)
    content = record.to_json()
    if place.exists() and place.read_bytes() != content:
        if Record.from_file(place).dataset.fingerprint != record.dataset.fingerprint:
            raise InputError(
                f"{place}: holds a record on other data; keep the two in leaderboards of their own (--dir)"
            )
        if not replace:
            raise InputError(
                f"{place}: holds another record of this method, preset, seed and options; to put {record_file} in "
                "its place, pass --replace"
            )
    return place, content


def publish(runs: Sequence[Path], leaderboard: Path, replace: bool = False) -> list[str]:
    """Add the records of several runs and rebuild the pages, or change nothing if one of them cannot be added."""
    for run in runs:
        _placed(run, leaderboard, replace)
    return [str(add(run, leaderboard, replace)) for run in runs] + write(leaderboard)


def build(leaderboard: Path) -> dict[str, bytes]:
    """Every page as file name -> content. Raises InputError for a file under `records/` that is at fault."""
    files = _files(leaderboard / "records")
    for path in files:
        for fault in _faults(path, leaderboard):
            raise InputError(fault)
    records = [Record.from_file(path) for path in files]
    pages = {}
    index = [MARK, "# Leaderboard\n"]
    groups = [list(group) for _, group in groupby(tracks(records), key=lambda track: track.first.folder)]
    for same in sorted(groups, key=_place):
        name = same[0].first.folder.replace("/", "-") + ".md"
        pages[name] = _page(same)
        index.append(f"## [{_title(same[0])}]({name})\n")
        for track in same:
            index += [*_about(track), index_table(track) + "\n"]
    if not records:
        index.append("No records yet.\n")
    pages["README.md"] = _joined(index)
    return pages


def _place(same: Sequence[Track]) -> tuple[int, int]:
    """Of a page in the index: real data first, then the widest comparison; where these are alike, by name."""
    return SOURCES.index(same[0].first.dataset.source), -sum(len(track.rows) for track in same)


def write(leaderboard: Path) -> list[str]:
    """Bring the pages up to date; returns the files that changed, removed ones included."""
    pages = build(leaderboard)
    changed = []
    for name, content in pages.items():
        path = leaderboard / name
        if not path.exists() or path.read_bytes() != content:
            write_atomic(path, content)
            changed.append(str(path))
    for path in _leftover(leaderboard, pages):
        path.unlink()
        changed.append(str(path))
    return changed


def check(leaderboard: Path) -> list[str]:
    """Every fault of the folder, each a sentence that names the file; empty if all is well."""
    problems = [problem for path in _files(leaderboard / "records") for problem in _faults(path, leaderboard)]
    known = {"README.md"}
    if not problems:
        pages = build(leaderboard)
        known |= set(pages)
        for name, content in sorted(pages.items()):
            path = leaderboard / name
            if not path.is_file():
                problems.append(f"{path}: is missing; run `vreid-bench leaderboard`")
            elif path.read_bytes() != content:
                problems.append(f"{path}: does not follow from the records; run `vreid-bench leaderboard`")
        problems += [f"{path}: no record stands behind this page" for path in _leftover(leaderboard, pages)]
    else:
        problems.append(f"{leaderboard}: pages were not compared, for the records above must be mended first")
    for path in sorted(leaderboard.iterdir() if leaderboard.is_dir() else ()):
        if path.name not in (*KEPT, *known) and not _generated(path):
            problems.append(f"{path}: does not belong here; pages are generated, records lie under records/")
    return problems


def _faults(path: Path, leaderboard: Path) -> Iterator[str]:
    """What is wrong with one file under `records/`."""
    if path.is_symlink() or path.suffix != ".json":
        yield f"{path}: does not belong here; records/ holds records alone, as files"
        return
    try:
        record = Record.from_file(path)
    except InputError as fault:
        yield str(fault)
        return
    place = leaderboard / "records" / record_path(record)
    if place != path:
        yield f"{path}: by its content this record belongs at {place}"
    elif path.read_bytes() != record.to_json():
        yield f"{path}: is not in a record's one form; `vreid-bench leaderboard add --replace {path}` rewrites it"


def _page(same: Sequence[Track]) -> bytes:
    notes: list[str] = []

    def note(text: str) -> str:
        if text not in notes:
            notes.append(text)
        return f"[^{notes.index(text) + 1}]"

    lines = [MARK, f"# {_title(same[0])}\n", LEGEND, *([OVER_SPLITS] if any(track.splits for track in same) else [])]
    for track in same:
        lines += [*_about(track), _rules(track), *(f"{LEGENDS[name]}\n" for name in track.extra)]
        lines.append(results_table(track, note) + "\n")
        if track.first.conditions:
            lines.append(CONDITIONS)
            lines += [conditions_table(track, metric) + "\n" for metric in ("mAP", "R1")]
        lines.append(budget_table(track) + "\n")
        quoted = quoted_table(track)
        lines += [QUOTED, quoted + "\n"] if quoted else []
    # words of ours in front, so that a text cannot begin a list
    lines += [f"[^{number}]: Reported in {escaped(text)}." for number, text in enumerate(notes, 1)]
    return _joined(lines)


def _joined(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines).rstrip("\n") + "\n").encode()


def _about(track: Track) -> list[str]:
    """Banners of the data, then what a table's rows have in common."""
    protocol, dataset = track.first.protocol, track.first.dataset
    about = (
        f"Protocol {escaped(protocol.name)} {_cited(protocol)}, dataset {escaped(dataset.name)} "
        f"`{dataset.fingerprint[:8]}`, {track.splits and f'mean over {track.splits}, '}ranked by mAP under "
        f"{escaped(track.headline)}.\n"
    )
    return [*(f"> **Note:** {escaped(note)}\n" for note in track.notes), about]


def _rules(track: Track) -> str:
    """The conventions with their rules and the queries that count, a line each."""
    lines = []
    for name in track.conventions:
        result = track.first.conventions[name]
        rules = [f"{k.replace('_', ' ')} {json.dumps(v)}" for k, v in sorted(result.rules.items())]
        words = escaped("; ".join(rule for rule in rules if rule.split()[0] not in ("name", "version")))
        lines.append(f"* {escaped(name)} {_cited(result)}: {words}; {result.queries} queries count\n")
    lines += [f"* {escaped(line)}\n" for line in refusals(track.first.not_computable)]
    return "".join(lines)


def _cited(rule: Ruled) -> str:
    return f"{escaped(rule.version)} `{rule.fingerprint[:8]}`"


def _title(track: Track) -> str:
    return escaped(f"{track.first.protocol.name} on {track.first.dataset.source} data")


def _files(folder: Path) -> list[Path]:
    """All that is not a folder, links included, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _leftover(leaderboard: Path, pages: Container[str]) -> list[Path]:
    """Pages written once whose records are gone."""
    return [path for path in sorted(leaderboard.glob("*.md")) if path.name not in pages and _generated(path)]


def _generated(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(MARK.encode())

"""Check the records that a pull request submits, by the code of the branch that it is for.

    python base/.github/scripts/check_submission.py base submitted report

`base` and `submitted` are checkouts. `submitted` is data: nothing in it is imported or run. Only its records, pages,
figures and README are looked at; claims, kernels and boards are those of `base`. `report` is a folder for the text of
the result. Exit code 1 if something is refused.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

LARGEST = 1 << 20  # bytes; `record check` refuses larger records, and no page is nearly as large
PLACE, FIGURES, README = "leaderboard", "figures", "README.md"


def main() -> None:
    """Lay the submitted files over those of the base, check them, and write the report."""
    base, submitted, out = map(Path, sys.argv[1:4])
    before, pulled, merged = base / PLACE, submitted / PLACE, out / PLACE
    out.mkdir(parents=True)
    faults = find_strange_files(pulled)
    lines = [f"refused: {fault}" for fault in faults]
    passed = not faults
    if passed:
        changed = merge(before, pulled, merged)
        lines.append(f"{len(changed)} record(s) are new or changed.")
        if changed:
            passed &= call(lines, "record", "check", *map(str, changed))
        passed &= call(lines, "leaderboard", "--check", "--dir", str(merged))
        if passed:
            call(lines, "leaderboard", "drift", str(before), str(merged))
    lines.append("passed" if passed else "not passed")
    text = "\n".join(lines) + "\n"
    (out / "report.txt").write_text(text, encoding="utf-8")
    print(text)
    sys.exit(not passed)


def find_strange_files(pulled: Path) -> list[str]:
    """What is neither a folder nor a plain file of the size of a record, each with its name in quotes."""
    if pulled.is_symlink() or not pulled.is_dir():
        return [f"{PLACE}: expected a folder"]
    faults = []
    for folder, folders, files in os.walk(pulled):  # does not follow links
        for path in (Path(folder, name) for name in sorted((*folders, *files))):
            name = repr(str(path.relative_to(pulled)))
            if path.is_symlink():
                faults.append(f"{name} is a link; expected a file")
            elif not path.is_file() and not path.is_dir():
                faults.append(f"{name} is neither a file nor a folder")
            elif path.is_file() and path.stat().st_size > LARGEST:
                faults.append(f"{name} has over {LARGEST} bytes")
    return faults


def merge(before: Path, pulled: Path, merged: Path) -> list[Path]:
    """`before` with the records, pages and figures of `pulled` in place of its own; returns the records that changed.

    The README beside it is that beside `pulled`.
    """
    shutil.copytree(before, merged)
    shutil.rmtree(merged / "records")
    for page in [*merged.glob("*.md"), *(merged / FIGURES).glob("*")]:
        page.unlink()
    for page in sorted([*pulled.glob("*.md"), *(pulled / FIGURES).glob("*")]):
        place = merged / page.relative_to(pulled)
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(page, place)
    readme = pulled.parent / README
    if readme.is_file() and not readme.is_symlink() and readme.stat().st_size <= LARGEST:
        shutil.copyfile(readme, merged.parent / README)
    changed = []
    for path in sorted(path for path in (pulled / "records").rglob("*") if path.is_file()):
        place = merged / path.relative_to(pulled)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        old = before / path.relative_to(pulled)
        if not old.is_file() or old.read_bytes() != path.read_bytes():
            changed.append(place)
    return changed


def call(lines: list[str], *arguments: str) -> bool:
    """Run vreid-bench, keep what it prints, and tell whether it ended well."""
    command = [sys.executable, "-m", "vreid_bench.cli.main", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    shown = " ".join(arguments[:2])
    lines += [f"\n$ vreid-bench {shown}", done.stdout.decode("utf-8", "replace").rstrip()]
    return done.returncode == 0


if __name__ == "__main__":
    main()

"""What a command is given to read: a run, files by themselves, or a file of the queries and one of the gallery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vreid_bench.importing.assembly import Imported
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.scoring.array_files import is_run_store
from vreid_bench.scoring.imports import Plugins, check_one_split, import_files, import_sides
from vreid_bench.scoring.label_source import Index
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import write_line
from vreid_bench.system.terminal import echo


@dataclass(frozen=True)
class Inputs:
    """Where features and their labels are. Raises InputError for what does not fit together."""

    files: tuple[Path, ...] = ()  # features or distances with their labels, in files of any program
    query: Path | None = None
    gallery: Path | None = None
    quiet: bool = False  # is it left unsaid what each key became?

    def __post_init__(self) -> None:
        for refused, reason in self._refuse():
            if refused:
                raise InputError(reason)

    def _refuse(self) -> Iterator[tuple[bool, str]]:
        """Of what does not fit together: whether it is so, and the sentence."""
        yield (
            bool(self.files) and (self.query, self.gallery) != (None, None),
            "files by themselves say what they hold; leave out --query and --gallery, or name both files by these",
        )
        yield (
            not self.files and (self.query is None or self.gallery is None),
            "expected a run, files, such as pytorch_result.mat, or --query and --gallery with a file each",
        )

    @property
    def paths(self) -> tuple[Path, ...]:
        """All that is named."""
        return *self.files, *(path for path in (self.query, self.gallery) if path is not None)

    @property
    def store(self) -> Path | None:
        """The run, or its feature store, that is the only file; None where there is something else.

        Raises InputError for a run of several splits.
        """
        if len(self.files) != 1:
            return None
        [path] = self.files
        check_one_split(path)
        return path if is_run_store(path) or RunDirectory(path).is_finished else None

    def read(
        self, plugins: Plugins, pool: str | None = None, index: Index | None = None, given: bool = False
    ) -> Imported:
        """What the files hold; prints what each key became.

        index: has the labels that files by themselves lack. given: are the distances computed already, so that labels
        suffice? Raises InputError for what cannot be read.
        """
        if self.query is not None and self.gallery is not None:
            imported = import_sides(self.query, self.gallery, plugins, given, pool)
        else:
            imported = import_files(self.files, plugins, pool, index)
        if self.files or not imported.plain:
            for line in imported.lines:
                write_line(line, quiet=self.quiet)
            if not imported.cameras:
                echo("no cameras are given: nothing is left out as seen by the query's own camera", err=True)
        return imported

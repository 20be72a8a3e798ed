"""Laws of the readers of data sets, which are tried on a copy of the data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import SkipTest

from vreid_bench.contracts.dataset import TWIN, Dataset, TwinReader
from vreid_bench.planning.data_root import find_root, read_dataset
from vreid_bench.planning.dataset_check import check_dataset
from vreid_bench.planning.protocols import find_conventions
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError, UnknownName
from vreid_bench.testing.subject import Subject

SHOWN = 3  # problems that a message lists


NO_DATA = "there is no data to read: name a copy with --data DIR, or call check(DIR) in a test"


def find_data(subject: Subject, entry: Entry) -> Path:
    """The folder of that data set. Raises SkipTest if none is given."""
    if subject.data is None:
        raise SkipTest(NO_DATA)
    root, _ = find_root(entry, subject.data, (entry.name,))
    return root


def check_provided(subject: Subject) -> None:
    """A hook may provide it: an instance whose methods take what the harness gives."""
    check_value(subject.entry)


def check_reads(subject: Subject) -> None:
    """`read` returns valid lists: relative paths, tracklets with frames, rows of queries and gallery, known sources."""
    _read(subject, find_data(subject, subject.entry))


def check_reads_alike(subject: Subject) -> None:
    """Read again, and from another path to the same folder, it has the same order, labels and fingerprint."""
    root = find_data(subject, subject.entry)
    first = _read(subject, root)
    with TemporaryDirectory() as folder:
        other = Path(folder, "elsewhere")
        other.symlink_to(root.resolve(), target_is_directory=True)
        for again, where in ((_read(subject, root), "again"), (_read(subject, other), "from another path")):
            if again.fingerprint != first.fingerprint or again.splits != first.splits:
                raise InputError(
                    f"{subject.title}: `read` returned other lists when it read {root} {where}, expected the same; "
                    "sort what a folder lists, and use paths relative to the root"
                )


def check_refuses(subject: Subject) -> None:
    """A folder that is empty is refused with an InputError, or has no tracklets; it is no traceback."""
    with TemporaryDirectory() as folder:
        try:
            found = subject.entry.value.read(Path(folder))
        except InputError:
            return
        except OSError as fault:
            raise InputError(
                f"{subject.title}: `read` of an empty folder failed ({type(fault).__name__}), expected an InputError "
                "that names the missing file; check that the lists exist before they are opened"
            ) from fault
    if isinstance(found, Dataset) and any(split.train or split.test for split in found.splits):
        raise InputError(f"{subject.title}: `read` found tracklets in an empty folder, expected none; use `root`")


def check_conventions(subject: Subject) -> None:
    """Each protocol that tests on it is scored under conventions that plugins provide."""
    for fault in _list_unknown_conventions(subject):
        raise fault


def check_verify(subject: Subject) -> None:
    """`vreid-bench data verify` finds no fault in the data."""
    root = find_data(subject, subject.entry)
    report = check_dataset(subject.registry, subject.entry.name, root, subject.decode, accepted=(subject.entry.name,))
    told = set(map(str, _list_unknown_conventions(subject)))  # by a check of its own, which names their place
    problems = [problem for problem in report.problems if problem not in told]
    if problems:
        more = f"; {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise InputError("; ".join(problems[:SHOWN]) + more)


def check_twin(subject: Subject) -> None:
    """A twin, if it has one, is named by a hash that stays the same."""
    reader = subject.entry.value
    if not isinstance(reader, TwinReader):
        raise SkipTest("it has no twin")
    first, again = reader.twin(), reader.twin()
    if first != again or not TWIN.fullmatch(first):
        raise InputError(
            f"{subject.title}: `twin` returned {first!r} and {again!r}, expected the same 64 hexadecimal digits; hash "
            "what is rendered"
        )


DATASET = (check_provided, check_conventions, check_reads, check_reads_alike, check_refuses, check_verify, check_twin)


def _list_unknown_conventions(subject: Subject) -> Iterator[UnknownName]:
    """What is said of each protocol on the data set that names a convention which no plugin provides."""
    for protocol in subject.registry.values("protocols").values():
        if subject.entry.name in (protocol.dataset, protocol.target):
            try:
                find_conventions(protocol, subject.registry)
            except UnknownName as fault:
                yield fault
            except InputError:
                pass  # what is wrong with a convention that is there, `check_verify` tells


def _read(subject: Subject, root: Path) -> Dataset:
    return read_dataset(subject.entry, "", root)

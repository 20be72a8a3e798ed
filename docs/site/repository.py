"""Files of the repository outside docs/ on the site: those that pages link to, under `repository/` with their paths."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

PREFIX = "repository/"
LINK = re.compile(r"(\]\(|(?:src|srcset|href)=\")([^)\"\s#]+)(?=[)\"#\s])")
FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
# The site has something better than the source of these.
INSTEAD = {
    "harness/vreid_bench/contracts/hookspecs.py": "reference/hooks.md",
    "harness/vreid_bench/__init__.py": "reference/python.md",
}


def place(path: str) -> str:
    """Where the site has a file of the repository: docs/data.md -> data.md, README.md -> repository/README.md."""
    if path in INSTEAD:
        return INSTEAD[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"{PREFIX}{path}.md" if path.endswith(".py") else PREFIX + path


def origin(uri: str) -> str:
    """The file of the repository that a page of the site shows."""
    if not uri.startswith(PREFIX):
        return f"docs/{uri}"
    return uri.removeprefix(PREFIX).replace(".py.md", ".py")


def path_of(uri: str, root: Path) -> Path:
    """The path of that file."""
    return root / origin(uri)


def named(root: Path, uris: Iterable[str]) -> list[Path]:
    """The files outside docs/ that the navigation names."""
    return [path_of(uri, root) for uri in uris if uri.startswith(PREFIX)]


def targets(page: Path) -> list[Path]:
    """The files that a page links to, as far as they exist."""
    links = (match[2] for match in LINK.finditer(FENCE.sub("", page.read_text())) if "://" not in match[2])
    return [path for link in links if (path := Path(posixpath.normpath(page.parent / link))).is_file()]


def linked(root: Path, pages: Iterable[Path]) -> list[Path]:
    """Every file outside docs/ that can be reached from these pages, themselves included if they lie outside."""
    seen: dict[Path, None] = {}
    waiting = [page for page in pages if page.exists()]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen[page] = None
        if page.suffix == ".md":
            waiting += targets(page)
    outside = (path for path in seen if not path.is_relative_to(root / "docs"))
    return sorted(path for path in outside if path.is_relative_to(root) and str(path.relative_to(root)) not in INSTEAD)


def rewrite(markdown: str, uri: str) -> str:
    """The text of a page with its links relative to where the site has page and targets."""

    def move(match: re.Match[str]) -> str:
        link = match[2]
        if "://" in link or link.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin(uri)), link))
        return match[1] + posixpath.relpath(place(path), posixpath.dirname(uri) or ".")

    at, kept = 0, []
    for block in FENCE.finditer(markdown):  # code stays as it is
        kept += [LINK.sub(move, markdown[at : block.start()]), block[0]]
        at = block.end()
    return "".join([*kept, LINK.sub(move, markdown[at:])])


def source_page(root: Path, path: Path) -> str:
    """A page with the source of a module."""
    return f"# `{path.relative_to(root).as_posix()}`\n\n```python\n{path.read_text().rstrip()}\n```\n"

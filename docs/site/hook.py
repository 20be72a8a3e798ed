"""What the site adds to docs/: pages made from the code, and files of the repository that pages link to.

MkDocs calls the functions named `on_...`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import repository
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference_code import hooks_page, python_page
from reference_commands import commands_page
from reference_datasets import datasets_page
from reference_lists import installed_page
from reference_record import record_page

GENERATED = {
    "reference/commands.md": commands_page,
    "reference/hooks.md": hooks_page,
    "reference/python.md": python_page,
    "reference/installed.md": installed_page,
    "reference/datasets.md": datasets_page,
    "reference/record.md": record_page,
}
MORE = "More"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave out of the navigation what does not exist, and add the pages that it does not name."""
    assert config.nav is not None
    docs = Path(config.docs_dir)
    config.nav = _existing(config.nav, docs)
    missing = sorted({page.name for page in docs.glob("*.md")} - set(_pages(config.nav)))
    if missing:
        config.nav.append({MORE: missing})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and every file of the repository outside docs/ that a page links to."""
    for place, write in GENERATED.items():
        files.append(File.generated(config, place, content=write()))
    assert config.nav is not None
    root = Path(config.docs_dir).parent
    pages = [Path(config.docs_dir, file.src_uri) for file in files.documentation_pages() if not file.generated_by]
    for path in repository.linked(root, pages + repository.named(root, _pages(config.nav))):
        place = repository.place(path.relative_to(root).as_posix())
        if path.suffix == ".py":
            files.append(File.generated(config, place, content=repository.source_page(root, path)))
        else:
            files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to where the site has their targets."""
    return repository.rewrite(markdown, page.file.src_uri)


def _pages(nav: list[Any]) -> list[str]:
    """All pages of a navigation."""
    found: list[str] = []
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            found += _pages(value) if isinstance(value, list) else [value]
    return found


def _existing(nav: list[Any], docs: Path) -> list[Any]:
    """The same without what there is no file for, and without sections that are then empty."""
    kept: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            [(title, value)] = entry.items()
            value = _existing(value, docs) if isinstance(value, list) else value
            if value if isinstance(value, list) else _exists(value, docs):
                kept.append({title: value})
        elif _exists(entry, docs):
            kept.append(entry)
    return kept


def _exists(page: str, docs: Path) -> bool:
    return page in GENERATED or repository.path_of(page, docs.parent).exists()

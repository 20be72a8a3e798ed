"""The documentation as a site: it is complete, its links lead somewhere, and it needs nothing from elsewhere."""

import inspect
import json
import logging
import re
import shutil
from html.parser import HTMLParser

import click
import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from places import ROOT

import vreid_bench
from vreid_bench.cli.main import main
from vreid_bench.contracts import hookspecs
from vreid_bench.registry.registry import Registry

pytestmark = pytest.mark.slow


def build_site(root, folder):
    config = load_config(str(root / "mkdocs.yml"), site_dir=str(folder), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)


@pytest.fixture(scope="session")
def docs_site(make_once):
    """The site, built as `make docs` builds it: a warning, such as a broken link, is an error."""
    return make_once("docs-site", lambda folder: build_site(ROOT, folder))


class Text(HTMLParser):
    """The text of a page."""

    def __init__(self, page):
        super().__init__()
        self.pieces = []
        self.feed(page)

    def handle_data(self, data):
        self.pieces.append(data)

    def __str__(self):
        return "".join(self.pieces)


def text_of(path):
    return str(Text(path.read_text()))


def test_every_page_of_the_docs_is_on_it_and_in_its_navigation(docs_site):
    front = (docs_site / "index.html").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        name = "index" if page.stem == "README" else page.stem
        assert (docs_site / f"{name}.html").exists(), name
        assert f'href="{name}.html"' in front, name


def test_the_navigation_has_a_place_for_every_page(docs_site):
    """A new page is put into a section of mkdocs.yml; until then it stands under `More`, which is empty here."""
    front = (docs_site / "index.html").read_text()
    assert "More" not in re.findall(r"<span class=\"md-ellipsis\">\s*(.*?)\s*</span>", front)


def test_the_hooks_are_there_with_signature_and_docstring(docs_site):
    text = " ".join(text_of(docs_site / "reference/hooks.html").split())
    hooks = {name: value for name, value in vars(hookspecs).items() if name.startswith("vreid_")}
    assert len(hooks) >= 14
    for name, hook in hooks.items():
        signature = str(inspect.signature(hook)).replace("'", "")
        assert f"def {name}{signature}:" in text, name
        assert " ".join(inspect.getdoc(hook).replace("`", "").split()) in text, name


def test_the_public_door_is_there_with_docstrings(docs_site):
    page = docs_site / "reference/python.html"
    text = " ".join(text_of(page).split())
    for name in vreid_bench.__all__:
        assert name == "hookimpl" or f'<h3 id="{name.lower()}">' in page.read_text(), name
    for name in ("score", "clip_distance", "Tracklet", "Convention"):
        first = inspect.getdoc(getattr(vreid_bench, name)).partition("\n")[0]
        assert " ".join(first.replace("`", "").split()) in text, name


def test_every_command_is_there_with_its_options(docs_site):
    text = text_of(docs_site / "reference/commands.html")

    def check(command, name):
        assert f"Usage: {name}" in text
        for option in [option for option in command.params if isinstance(option, click.Option) and not option.hidden]:
            assert option.opts[0] in text, name
        for inner, member in getattr(command, "commands", {}).items():
            check(member, f"{name} {inner}")

    check(main, "vreid-bench")


def test_all_that_is_installed_is_there(docs_site):
    text = (docs_site / "reference/installed.html").read_text()
    for entry in Registry.installed().entries():
        if entry.distribution == "vreid-bench":
            assert f"<code>{entry.name}</code>" in text, entry.title


def test_each_data_set_is_there_with_its_terms(docs_site):
    text = " ".join(text_of(docs_site / "reference/datasets.html").split())
    known = [entry.description for entry in Registry.installed().entries("datasets") if entry.description]
    assert len(known) >= 18
    for description in known:
        for name in ("title", "licence", "access", "citation", "withdrawn"):
            assert " ".join(description[name].split()) in text, description["title"]


def test_every_field_of_a_record_is_there(docs_site):
    text = (docs_site / "reference/record.html").read_text()
    schema = json.loads((ROOT / "docs/record.schema.json").read_text())
    for one in [schema, *schema["$defs"].values()]:
        for field in one.get("properties", ()):
            assert f"<code>{field}</code>" in text, field


def test_lists_and_tables_are_rendered_as_such(docs_site):
    """GitHub's Markdown needs no blank line before a list or a table, and that of the site does."""
    sign = re.compile(r"^(?:[-*] |\d+\. |\|)", re.MULTILINE)
    found = {}
    for page in docs_site.rglob("*.html"):
        for paragraph in re.findall(r"<p>(.*?)</p>", page.read_text(), re.DOTALL):
            if sign.search(str(Text(paragraph))):
                found[page.name] = paragraph
    assert found == {}


def test_no_file_is_loaded_from_elsewhere(docs_site):
    """By a page or a style; the script of the theme names others, for pages with diagrams, which there are none of."""
    loaded = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//|url\([\"']?https?:|@import")
    pages = [*docs_site.rglob("*.html"), *docs_site.rglob("*.css")]
    assert len(pages) > 60
    assert [page.name for page in pages if loaded.search(page.read_text())] == []
    assert not any('class="mermaid"' in page.read_text() for page in docs_site.rglob("*.html"))


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (the extra `browser`)")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=program, args=["--no-sandbox"])


def test_a_reader_finds_a_word_without_a_network_or_a_server(docs_site, browser):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((docs_site / "reference/hooks.html").as_uri())
    page.focus("input[name=query]")
    page.keyboard.type("trapezoid")  # the search listens to keys
    page.wait_for_selector(".md-search-result__link")
    assert "How a score is computed" in page.inner_text(".md-search-result")
    assert [url for url in asked if url.startswith("http")] == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1300, "dark")])
def test_pages_fit_the_screen(docs_site, browser, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for name in ("scoring", "protocols", "figures", "reference/python", "repository/leaderboard/index"):
        page.goto((docs_site / f"{name}.html").as_uri(), wait_until="domcontentloaded")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light"), name


@pytest.fixture
def small_docs(tmp_path):
    """The same with one page."""
    shutil.copytree(ROOT / "docs/site", tmp_path / "docs/site", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "docs/record.schema.json", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    reference = {"plugins", "protocols", "checkpoints", "run-folder", "data", "ethics"}
    for name in reference:
        (tmp_path / f"docs/{name}.md").write_text(f"# {name}\n\n## `record.json`\n")
    return tmp_path


def test_a_broken_link_is_an_error(small_docs, tmp_path, caplog):
    broken = ("nowhere.md", "plugins.md#nothing", "../nowhere.py")
    (small_docs / "docs/README.md").write_text("# Front\n\n" + " ".join(f"[here]({link})" for link in broken))
    with caplog.at_level(logging.WARNING), pytest.raises(Abort):
        build_site(small_docs, tmp_path / "site")
    found = [record.getMessage() for record in caplog.records if "contains a link" in record.getMessage()]
    assert len(found) == 3
    for name in ("nowhere.md", "plugins.md#nothing", "nowhere.py"):
        assert any(name in message for message in found), name


def test_a_page_that_nobody_put_into_the_navigation_stands_under_more(small_docs, tmp_path):
    (small_docs / "docs/README.md").write_text("# Front\n")
    (small_docs / "docs/news.md").write_text("# News\n\n[a file](../tool.py) and [a part](README.md#front)\n")
    (small_docs / "tool.py").write_text("print('here')\n")
    build_site(small_docs, tmp_path / "site")
    assert "More" in text_of(tmp_path / "site/index.html")
    assert 'href="repository/tool.py.html"' in (tmp_path / "site/news.html").read_text()
    assert "print" in text_of(tmp_path / "site/repository/tool.py.html")

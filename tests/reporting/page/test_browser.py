"""Pages in a browser, by clicks and keys: they sort, filter and rank, without a fault or a request."""

import shutil

import pytest
from breadth import EVERY
from claim_cases import make_record
from html_page import Page
from opened_model import open_model
from places import LEADERBOARD

from vreid_bench.reporting.page.render import render_report
from vreid_bench.reporting.page.run_page import RunPageRequest, write_run_page
from vreid_bench.reporting.record_folder import read_records

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (the extra `browser`)")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe (the extra `browser`)")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")]

PHONE, SCREEN = {"width": 390, "height": 800}, {"width": 1300, "height": 900}


RUNS = {"plain.html": True, "names.html": False, "conditions.html": True, "splits.html": True}  # are there pictures?
PAIRS = "mars-unverified.html"  # made of two rows that have camera pairs, and one that has none
TEMPLATES = ("index.html", "mars-synthetic.html", PAIRS, *RUNS)  # of the leaderboard, of a board, of a run


def make_paired_records():
    for number, scores in enumerate([(0.4, 0.2), (0.3, 0.6), None]):
        table = scores and {
            "cameras": [1, 2],
            "mAP": [[None, scores[0]], [scores[1], None]],
            "queries": [[0, 12], [12, 0]],
        }
        yield make_record(
            f"method-{number}", score=sum(scores or (0.2, 0.2)) / 2, camera_pairs=table, dataset__source="unverified"
        )


@pytest.fixture(scope="module")
def folder(make_once, runs_of_kinds):
    """Every page of the committed leaderboard, one of made records, and pages of runs."""

    def render(folder):
        folder.mkdir()
        for name, content in render_report([*read_records(LEADERBOARD), *make_paired_records()]):
            (folder / name).write_bytes(content)
        for name, images in RUNS.items():
            run = runs_of_kinds / ("plain" if name == "names.html" else name.removesuffix(".html"))
            request = RunPageRequest(run, runs_of_kinds, images=images, quiet=True)
            (folder / name).write_bytes(write_run_page(request, open_model)[1])

    return make_once("pages", render)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, folder):
    """Opens a page; at the end of the test, nothing may have been said on a console and nothing asked for."""
    said, asked, contexts = [], [], []

    def visit(name, scheme="light", viewport=SCREEN):
        context = browser.new_context(color_scheme=scheme, viewport=viewport)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda fault: said.append(str(fault)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((folder / name).as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert said == []
    assert all(url.startswith(folder.as_uri()) for url in asked)


def names(page, table=0):
    rows = page.locator("table[data-ranked]").nth(table).locator("tbody tr:visible th")
    return [text.strip() for text in rows.all_inner_texts()]


def column(page, number, table=0):
    return page.locator("table[data-ranked]").nth(table).locator(f"tbody tr:visible > :nth-child({number})")


RUN_AXE = """options => axe.run({resultTypes: ["violations"], preload: false, ...options}).then(
    found => found.violations.map(each => [each.id, each.nodes[0].html]))"""


def list_kinds(path):
    """The kinds of elements on a page: tag, class, role, type and the names of all attributes."""
    told = ("class", "role", "type")
    for tag, attributes in Page(path.read_bytes()).elements:
        yield tag, *map(attributes.get, told), *sorted(attributes)


def choose_pages(folder):
    """A page of each template, and pages that together have every kind of element that any page has."""
    kinds = {path.name: set(list_kinds(path)) for path in folder.glob("*.html")}
    chosen, seen, largest = [], set(), sorted(kinds, key=lambda name: (-(folder / name).stat().st_size, name))
    for name in (*TEMPLATES, *(name for name in largest if name not in TEMPLATES)):
        if EVERY or name in TEMPLATES or kinds[name] - seen:
            chosen.append(name)
            seen |= kinds[name]
    return chosen


def test_every_page_fits_a_phone(visit, folder):
    page, names = visit("index.html", viewport=PHONE), sorted(each.name for each in folder.glob("*.html"))
    for name in names:
        page.goto((folder / name).as_uri())
        assert page.locator("h1").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
    assert len(names) > 40


def test_axe_finds_no_violation(visit, folder):
    """On pages of each template that together have every kind of element; the workflow `weekly` looks at every page.

    A page is looked at with eight rows of each table, which one macro makes: axe takes long.
    """
    page, script, faults = visit("index.html"), axe.Axe().axe_script, {}
    names = choose_pages(folder)
    for name in names:
        page.goto((folder / name).as_uri())
        page.evaluate(script)
        page.evaluate("document.querySelectorAll('tbody tr:nth-child(n + 9)').forEach(row => row.remove())")
        for scheme, some in {"light": {}, "dark": {"runOnly": ["color-contrast"]}}.items():
            page.emulate_media(color_scheme=scheme)
            faults[name, scheme] = page.evaluate(RUN_AXE, some)
    assert {place: found for place, found in faults.items() if found} == {}


def test_the_camera_pairs_of_another_row_are_chosen_by_keys(visit):
    page = visit(PAIRS)
    cells = page.locator("#pair-table td")
    assert cells.all_inner_texts() == ["–", "30.0", "60.0", "–"]
    page.locator("#pair-row").focus()
    page.keyboard.press("ArrowDown")
    assert cells.all_inner_texts() == ["–", "40.0", "20.0", "–"]
    assert page.locator("#pair-name").inner_text() == "method-0"
    shares = [cell.evaluate("each => each.style.getPropertyValue('--share')") for cell in cells.all()]
    assert [float(share) for share in shares] == [0, 0.5, 0, 0]


def test_a_click_on_a_heading_sorts_and_another_one_turns_the_order(visit):
    page = visit("mars-synthetic.html")
    ranked = names(page)
    heading = page.get_by_role("button", name="parameters").first
    heading.click()
    values = [int(text.replace(",", "")) for text in column(page, 12).all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert page.get_by_role("columnheader", name="parameters").first.get_attribute("aria-sort") == "descending"
    heading.click()
    assert [int(text.replace(",", "")) for text in column(page, 12).all_inner_texts()] == sorted(values)
    page.get_by_role("button", name="#").first.click()
    assert names(page) == ranked


def test_a_heading_is_reached_and_pressed_by_keys(visit):
    page = visit("mars-synthetic.html")
    page.get_by_role("button", name="method").first.focus()
    page.keyboard.press("Enter")
    assert names(page) == sorted(names(page))
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    seeds = column(page, 4).all_inner_texts()
    assert seeds == sorted(seeds, reverse=True)


def test_a_search_ranks_the_rows_that_are_left(visit):
    page = visit("mars-synthetic.html")
    page.locator("#search").fill("tacan")
    assert all("tacan" in name for name in names(page))
    assert len(names(page)) > 1
    assert column(page, 1).all_inner_texts() == [str(rank) for rank in range(1, 1 + len(names(page)))]
    assert f"{len(names(page)) + len(names(page, 1))} of" in page.get_by_role("status").inner_text()


def test_a_paper_and_published_rows_alone_can_be_shown(visit):
    page = visit("mars-synthetic.html")
    every = len(names(page)) + len(names(page, 1))
    page.locator("#published").check()
    published = len(names(page)) + len(names(page, 1))
    page.locator("#paper").select_option(index=2)
    assert 0 < len(names(page)) + len(names(page, 1)) < published < every


def test_another_convention_shows_its_own_scores_and_order(visit):
    page = visit("mars-synthetic.html")
    before = column(page, 5).all_inner_texts()
    page.locator("#convention").select_option("torchreid")
    after = column(page, 5).all_inner_texts()
    assert before != after
    records = [r for r in read_records(LEADERBOARD) if r.protocol.name == "mars" and r.method.name == "mean-pooling"]
    plain = [100 * r.conventions["torchreid"].mAP for r in records if not r.variant]
    shown = dict(zip(names(page), after, strict=True))["tacan"]
    assert shown != dict(zip(names(page), before, strict=True))["tacan"]
    assert any(f"{sum(plain) / len(plain):.1f}" in text for text in after)
    ranks = dict(zip(names(page), column(page, 1).all_inner_texts(), strict=True))
    best = max(zip(after, names(page), strict=True), key=lambda each: float(each[0].split()[0]))[1]
    assert ranks[best] == "1"


def test_without_script_every_row_stands_there(browser, folder):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "mars-synthetic.html").as_uri())
    assert len(names(page)) > 10
    assert not any(each.is_visible() for each in page.locator(".controls").all())
    context.close()


@pytest.mark.parametrize(("name", "pictures"), RUNS.items())
def test_the_page_of_a_run_shows_its_pictures(visit, name, pictures):
    page = visit(name)
    shown = page.locator("img")
    assert (shown.count() > 0) == pictures
    assert shown.evaluate_all("all => all.every((one) => one.complete && one.naturalWidth > 0)")
    assert page.locator(".retrieval").count() > 2


def test_the_hardest_people_are_sorted_by_keys(visit):
    page = visit("plain.html")
    heading = page.get_by_role("button", name="person")
    heading.focus()
    page.keyboard.press("Enter")
    table = page.locator("table").filter(has=heading)
    people = table.locator("tbody th").all_inner_texts()
    assert len(people) > 3
    assert people == sorted(people)


def test_a_link_leads_to_each_section_of_a_run(visit):
    page = visit("plain.html")
    for link in page.locator("nav a").all():
        link.click()
        heading = page.locator(f"h2{link.get_attribute('href')}")
        assert heading.inner_text() == link.inner_text()
        assert page.evaluate("location.hash") == link.get_attribute("href")

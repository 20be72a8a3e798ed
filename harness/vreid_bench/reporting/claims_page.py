"""The judged claims of the papers, as a Markdown page and as text for a terminal."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence

from vreid_bench.reporting.claims import Side
from vreid_bench.reporting.judgement import NO_ROWS, VERDICTS, Judged, Judgement
from vreid_bench.reporting.leaderboard_tables import markdown
from vreid_bench.reporting.pages import MARK
from vreid_bench.reporting.terminal_tables import wrap_table
from vreid_bench.reporting.text import escape, sanitize
from vreid_bench.scoring.hierarchical_bootstrap import FAILS, HOLDS, OPEN
from vreid_bench.scoring.sign_flip import FEWEST
from vreid_bench.system.counting import count

PAGE = "claims.md"
LEGEND = f"""\
Every ordering that a paper states, as data (`claims/*.toml`), judged by the rows of this leaderboard.

*Printed* are both numbers of the paper, on its data with its full recipe; *measured* are the means over the seeds of
the rows here, under the protocol's headline convention, and their difference, better minus worse. `95 %` is the
interval of the difference by a hierarchical bootstrap: each draw takes people with replacement, the same for both
methods, and of each method seeds with replacement, the same where both rows are of the same weights. The verdict is
*{HOLDS}* if the interval is above 0, *{FAILS}* if it is below, and *{OPEN}* if it contains 0. It is *{NO_ROWS}* where
no two rows were tested alike, on the same frames. *Seeds* are those of the better and of the worse method.

*1 seed*: one of the two was trained once. Then seeds cannot be drawn, and the interval tells of other people only: the
verdict can turn with another seed. *Not paired*: the records do not hold scores by person under this condition, or not
of the same people. The interval then spans the outer ends of both intervals over all seeds, which is too wide rather
than too narrow. Fewer than {FEWEST} people tell nothing.
"""
UNJUDGED = "Stated by the paper, and not judged:\n"


def render_claims(judged: Sequence[Judged]) -> bytes:
    """The page: the number of verdicts, then for each paper its claims, and what it states that is not judged."""
    lines = [MARK, "# Claims of the papers\n", LEGEND, _count_verdicts(judged) + "\n"]
    for paper in judged:
        lines += [f"## {escape(paper.paper)}\n", *list_paper_lines(paper)]
    return ("\n".join(lines).rstrip("\n") + "\n").encode()


def list_paper_lines(paper: Judged) -> list[str]:
    """The claims of a paper as lines of Markdown, with notes, and with what it states that is not judged."""
    lines = [_claims_table(paper.judgements, before=bool(paper.before)) + "\n"] if paper.judgements else []
    if paper.before:
        lines.append(f"*Before*: the verdict {escape(paper.before)}.\n")
    lines += [f"* {escape(where)}: {escape(note)}\n" for note, where in _collect_notes(paper.judgements).items()]
    if paper.unjudged:
        lines.append(UNJUDGED)
        lines += [f"* {escape(e.says)} ({escape(e.where)}): {escape(e.why)}\n" for e in paper.unjudged]
    return lines


def render_claims_text(judged: Sequence[Judged], width: int | None) -> str:
    """The claims as text, with lines of that width at most."""
    blocks = []
    for paper in judged:
        counts = ", ".join(f"{_count(paper, verdict)} {verdict}" for verdict in VERDICTS)
        rows = [[_verdict(each), _numbers(each), _seeds(each), _ordering(each)] for each in paper.judgements]
        headers = ["verdict", "better - worse (95 %)", "seeds", "claim"]
        table = wrap_table(rows, headers, width) if rows else ""
        why = _list_reasons(paper.judgements, width)
        blocks.append(f"{sanitize(paper.paper)}\n{count(paper.claims, 'claim')}: {counts}\n\n{table}\n{why}")
    return "\n".join(blocks)


def _list_reasons(judgements: Sequence[Judgement], width: int | None) -> str:
    """Why there are no rows, each reason once, as lines below a table; empty where all have rows."""
    reasons = dict.fromkeys(sanitize(reason) for each in judgements for reason in each.why)
    lines = [textwrap.fill(f"* {each}", width or sys.maxsize, subsequent_indent="  ") for each in reasons]
    return "".join(f"{line}\n" for line in ["", "no rows:", *lines]) if lines else ""


def _collect_notes(judgements: Sequence[Judgement]) -> dict[str, str]:
    """Each note -> the places that it is about."""
    notes: dict[str, dict[str, None]] = {}
    for each in judgements:
        if each.claim.note:
            notes.setdefault(each.claim.note, {})[each.claim.where] = None
    return {note: "; ".join(places) for note, places in notes.items()}


def _ordering(judgement: Judgement) -> str:
    claim = judgement.claim
    better, worse = (write_side(side, judgement.preset) for side in (claim.better, claim.worse))
    return f"{claim.where}, {_write_test(judgement)}: {better} > {worse}, {claim.metric}"


def _numbers(judgement: Judgement) -> str:
    if judgement.difference is None:
        return ""
    return f"{100 * judgement.difference:+.1f} ({_interval(judgement)})"


def _count_verdicts(judged: Sequence[Judged]) -> str:
    """How many claims each paper has, and how often each verdict was reached."""
    rows = [
        [escape(paper.paper), str(paper.claims), *(_count(paper, verdict) for verdict in VERDICTS)] for paper in judged
    ]
    totals = [
        [sum(paper.tally(verdict, single) for paper in judged) for single in (False, True)] for verdict in VERDICTS
    ]
    rows.append(["all", str(sum(paper.claims for paper in judged)), *(_add_single(*total) for total in totals)])
    return markdown(["paper", "claims", *VERDICTS], rows, "lrrrrr")


def _count(paper: Judged, verdict: str) -> str:
    return _add_single(paper.tally(verdict, single=False), paper.tally(verdict, single=True))


def _add_single(several: int, single: int) -> str:
    return f"{several} + {single} with 1 seed" if single else str(several)


def _claims_table(judgements: Sequence[Judgement], *, before: bool) -> str:
    headers = ["the paper says", "where", "protocol", "better", "worse", "metric", "printed"]
    headers += ["measured", "difference", "95 %", "seeds", "verdict", *["before"] * before]
    return markdown(headers, list(_list_rows(judgements, before)), "llllllrrrrrl" + "l" * before)


def _list_rows(judgements: Sequence[Judgement], before: bool) -> Iterator[list[str]]:
    """The cells of each judgement; what is said is left out where the row above says the same."""
    above = ""
    for each in judgements:
        claim = each.claim
        says, above = "" if claim.says == above else claim.says, claim.says
        sides = [write_side(side, each.preset) for side in (claim.better, claim.worse)]
        words = [says, claim.where, _write_test(each), *sides, claim.metric]
        earlier = [escape(claim.before.get(each.protocol, ""))] * before
        yield [*map(escape, words), _pair(claim.printed, 1), *_measured(each), _seeds(each), _verdict(each), *earlier]


def _measured(judgement: Judgement) -> list[str]:
    better, worse = judgement.means
    if better is None or worse is None or judgement.difference is None:
        return ["", "", ""]
    return [_pair((better, worse), 100), f"{100 * judgement.difference:+.1f}", _interval(judgement)]


def _pair(numbers: tuple[float, float] | None, factor: int) -> str:
    return " / ".join(f"{factor * number:.1f}" for number in numbers) if numbers else ""


def _interval(judgement: Judgement) -> str:
    """The interval in percent, with one digit more where an end that is not 0 would read as 0."""
    ends = [100 * end for end in judgement.interval or ()]
    digits = 2 if any(end and abs(end) < 0.05 for end in ends) else 1
    return " to ".join(f"{end:+.{digits}f}" for end in ends)


def _seeds(judgement: Judgement) -> str:
    return " / ".join(map(str, judgement.seeds))


def _verdict(judgement: Judgement) -> str:
    remarks = ["1 seed"] if judgement.is_single else []
    remarks += ["not paired"] if judgement.verdict != NO_ROWS and not judgement.paired else []
    return judgement.verdict + (f" ({', '.join(remarks)})" if remarks else "")


def _write_test(judgement: Judgement) -> str:
    return ", ".join(filter(None, [judgement.protocol, judgement.preset, judgement.source, judgement.splits]))


def write_side(side: Side, preset: str) -> str:
    """A side in words: `clip-top (matcher.top=0.2, up to 7 of 8 clips)`."""
    words = [f"{path}={json.dumps(value)}" for path, value in sorted(side.settings.items())]
    words += [word for word in (side.protocol, side.condition, "re-ranked" if side.reranked else "") if word]
    return side.method + (f" ({', '.join(words)})" if words else "")

"""Tables as papers print them, for tests, and records that stand for their rows."""

from claim_cases import HEAD, make_record

from vreid_bench.reporting.printed_tables import Column, Line, Paper, Table

HOSTILE = "a|b `c` <script>alert(1)</script>\n\n# d [e](http://f) \x1b[2J\u202e *i* _j_ ~k~ $l$ {{ m }} <!-- ../ \\|"


def make_column(metric="mAP", **fields):
    return Column(**{"label": metric, "protocol": "mars", "metric": metric} | fields)


def make_line(printed="80.0", method="good", **fields):
    """A row with its numbers as one text."""
    return Line(**{"label": "Ours", "printed": tuple(printed.split()), "method": method} | fields)


def make_table(*rows, columns=(), **fields):
    """A table with one column, the mAP on MARS, where no other is named."""
    columns = tuple(columns) or (make_column(),)
    return Table(number="1", caption="good and bad", columns=columns, rows=rows or (make_line(),), **fields)


def make_paper(*tables, paper="A paper"):
    return Paper(paper=paper, table=tables or (make_table(),))


def make_run(method="good", seed=0, score=0.5, interval=(0.4, 0.6), **changes):
    """A record whose mAP is `score` and has this interval."""
    return make_record(method, seed, score, **{f"conventions__{HEAD}__interval__mAP": list(interval)} | changes)

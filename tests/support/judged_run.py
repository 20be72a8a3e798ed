"""The folder of a finished run that was scored from labels and distances, without a model."""

import json

from places import GOLDEN

from vreid_bench.records.entries import describe_rules
from vreid_bench.records.record import Record
from vreid_bench.scoring.metrics import Outcome, collect_per_query, judge
from vreid_bench.scoring.ranks.counting import count_from_distances

FIELDS = json.loads((GOLDEN / "record.json").read_bytes())


def write_judged_run(folder, splits, rules):
    """Write it; splits: labels and distances of each; rules: conventions, the headline of the golden record first."""
    outcomes = []
    for who, distances in splits:
        counts = count_from_distances([(slice(None), distances)], who.for_conventions(rules))
        outcomes.append(Outcome(who, counts, judge(counts, rules)))
    (folder / "per_query.npz").write_bytes(collect_per_query(outcomes).to_bytes())
    headline = FIELDS["protocol"]["headline"]
    conventions = {rule.name: FIELDS["conventions"][headline] | describe_rules(rule) for rule in rules}
    (folder / "record.json").write_bytes(Record.of(FIELDS | {"conventions": conventions}).to_json())
    return folder

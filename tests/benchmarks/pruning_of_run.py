"""What share of the pairs of clips a ranking by learned importance evaluates.

`python tests/benchmarks/pruning_of_run.py RUN`, where RUN is the folder of a finished run of a method whose matcher
knows bounds. Under each condition every query is ranked from all distances and from those that the bounds leave open;
metrics that differ in any bit are an error.
"""

import sys
from pathlib import Path

import click
import numpy as np
import torch
from tabulate import tabulate

from vreid_bench.evaluation.evaluate import Testing
from vreid_bench.modeling.model import Model
from vreid_bench.planning.plan import RunRequest, plan_run
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.records.weights import load_weights
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.by_matcher import tiles
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.pruning import PrunedDistances


def main(run: Path) -> None:
    """Print a row for each condition."""
    registry, directory = Registry.installed(), RunDirectory(run)
    protocol = Record.from_file(directory.record).protocol.name
    plan = plan_run(registry, RunRequest(name=None, protocol=protocol, source=run, runs=run.parent))
    testing, fold = Testing.of(plan), plan.folds[0]
    folder = directory.fold(fold.number, plan.total)
    model = Model(plan.chosen.method, registry.factories(plan.chosen.method))
    load_weights(folder.weights, model)
    matcher = model.eval().matcher
    features = {view: FeatureStore.from_file(folder.features(view)) for view in testing.strategy.views()}
    rows = []
    for case in testing.strategy.cases(features, matcher, fold.test):
        sides = case.query, case.gallery
        with torch.inference_mode():
            pruned = PrunedDistances(matcher, sides, case.labels)
            found, expected = (
                count_from_distances(each, case.labels) for each in (pruned.tiles(), tiles(matcher, sides, case.labels))
            )
        scores = [judge(counts, plan.conventions)[plan.protocol.headline] for counts in (found, expected)]
        if not np.array_equal(found.before, expected.before) or scores[0].metrics() != scores[1].metrics():
            raise SystemExit(f"{case.condition}: pruning changed a rank")
        rows.append((case.condition, scores[0].metrics()["mAP"], f"{pruned.share:.1%}"))
    click.echo(tabulate(rows, ("condition", "mAP, all and pruned", "pairs evaluated"), floatfmt=".4f"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))

"""What share of the pairs of clips a ranking by learned importance looks at.

`python tests/benchmarks/pruning_of_run.py RUN`, where RUN is the folder of a finished run under a protocol of
corruption, of a method whose matcher knows bounds. Under each condition every query is ranked from all distances and
from those that the bounds leave open; metrics that differ in any bit are an error.
"""

import sys
from pathlib import Path

import click
import numpy as np
import torch
from tabulate import tabulate

from vreid_bench.evaluation.evaluate import masks
from vreid_bench.modeling.model import Model
from vreid_bench.planning.plan import Request, plan_run
from vreid_bench.records.feature_store import Store
from vreid_bench.records.record import Record
from vreid_bench.records.weights import load_weights
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.by_matcher import tiles
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.ranks.pruning import PrunedDistances


def main(run: Path) -> None:
    """Print a row for each condition."""
    registry = Registry.installed()
    protocol = Record.from_file(run / "record.json").protocol.name
    plan = plan_run(registry, Request(name=None, protocol=protocol, source=run, runs=run.parent))
    test, corruption = plan.folds[0].test, plan.protocol.corruption
    model = Model(plan.method, registry)
    load_weights(run / "weights.safetensors", model)
    matcher, labels = model.eval().matcher, Labels.of(test)
    kept, bad = (Store.from_file(run / f"{name}.safetensors") for name in ("features", "spoiled"))
    clean = kept.represented(matcher).clips(slice(None))
    rows = []
    for condition, mask in masks(corruption, test, kept.counts):
        asking = kept.replaced(bad, mask).represented(matcher).clips(slice(None))
        sides = asking, asking if corruption.side == "both" else clean
        with torch.inference_mode():
            pruned = PrunedDistances(matcher, sides, labels)
            ours, all_ = (
                count_from_distances(each, labels) for each in (pruned.tiles(), tiles(matcher, sides, labels))
            )
        scores = [judge(counts, plan.conventions)[plan.protocol.headline] for counts in (ours, all_)]
        if not np.array_equal(ours.before, all_.before) or scores[0].metrics() != scores[1].metrics():
            raise SystemExit(f"{condition}: pruning changed a rank")
        rows.append((condition, scores[0].metrics()["mAP"], f"{pruned.share:.1%}"))
    click.echo(tabulate(rows, ("condition", "mAP, all and pruned", "pairs evaluated"), floatfmt=".4f"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))

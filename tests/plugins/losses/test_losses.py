"""Options that the losses refuse."""

import pytest

from vreid_bench import InputError
from vreid_plugins.losses.cross_entropy import CrossEntropy
from vreid_plugins.losses.oim import Oim
from vreid_plugins.losses.triplet import Triplet


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CrossEntropy({"embedding": 2}, 3, smoothing=1.0), "smoothing must be at least 0 and below 1"),
        (lambda: CrossEntropy({"embedding": 2}, 3, on="before"), "on must be one of embedding"),
        (lambda: Triplet({"embedding": 2}, 3, margin="hard"), 'margin must be a number or "soft"'),
        (lambda: Triplet({"embedding": 2}, 3, metric="manhattan"), "metric must be euclidean"),
        (lambda: Triplet({"embedding": 2}, 3, on="before"), "on must be one of embedding"),
        (lambda: Triplet({"embedding": 2, "clips": 2}, 3, on="clips"), "needs a metric"),
        (lambda: Oim({"embedding": 2}, 3, temperature=0.0), "temperature > 0"),
    ],
)
def test_losses_refuse_options_that_cannot_be_meant(build, message):
    with pytest.raises(InputError, match=message):
        build()

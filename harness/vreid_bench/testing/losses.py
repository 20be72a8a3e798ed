"""Laws of losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vreid_bench.modeling.probe import differ
from vreid_bench.system.errors import InputError, describe_exception
from vreid_bench.testing.modules import MODULE
from vreid_bench.testing.subject import Subject
from vreid_bench.testing.trial import COUNTS, PIDS, LossTrial

MANY = 1000  # people: too many for a table of the 625 of MARS
ADVICE = "leave out anchors that have none, and divide by how many are left, at least 1"


def check_tracklet_order(subject: Subject) -> None:
    """The order of the tracklets in a batch does not change the loss."""
    trial = LossTrial(subject)
    order = list(range(len(PIDS)))[::-1]
    parts = [torch.split(each, list(COUNTS)) for each in trial.given]
    turned = [torch.cat([pieces[row] for row in order]) for pieces in parts]
    straight, other = (
        trial.batch(trial.given),
        trial.batch(turned, [PIDS[r] for r in order], [COUNTS[r] for r in order]),
    )
    with torch.no_grad():
        first, second = subject.build()(straight), subject.build()(other)
    if differ(first.reshape(1), second.reshape(1)):
        raise InputError(
            f"{subject.title}: returned {first:.6g} for a batch and {second:.6g} for the same in another order, "
            "expected the same; use pids to tell who is who, and no place in the batch"
        )


def check_no_positive(subject: Subject) -> None:
    """A batch in which every person has one tracklet has a finite loss and finite gradients."""
    _check_finite(subject, range(4), "without a second tracklet of anybody")


def check_no_negative(subject: Subject) -> None:
    """A batch of one person has a finite loss and finite gradients."""
    _check_finite(subject, (0, 0, 0, 0), "of one person")


def check_equal_tracklets(subject: Subject) -> None:
    """A batch in which all tracklets are equal has finite gradients: the root of a distance of 0 has none."""
    _check_finite(subject, (0, 0, 1, 1), "of equal tracklets", equal=True)


def check_people(subject: Subject) -> None:
    """It takes as many people as it is told: a batch with the last of a thousand has a loss, too."""
    trial, labels = LossTrial(subject), [0, 0, MANY - 1, MANY - 1]
    given = [each[: len(labels)] for each in trial.given]
    subject.build().train()(trial.batch(given, [0, 0, 1, 1], [1] * len(labels)))
    loss = subject.factory(subject.dims, MANY).train()
    try:
        loss(trial.batch(given, labels, [1] * len(labels)))
    except Exception as fault:  # a plugin can raise anything
        raise InputError(
            f"{subject.title}: fails for the last of {MANY} people ({describe_exception(fault)}), but not for the "
            "first two; give each person a place by `identities`, which __init__ receives"
        ) from fault


LOSS = (*MODULE, check_people, check_tracklet_order, check_no_positive, check_no_negative, check_equal_tracklets)


def _check_finite(subject: Subject, pids: Sequence[int], what: str, *, equal: bool = False) -> None:
    trial, loss = LossTrial(subject), subject.build().train()
    given = [each[:1].expand(len(pids), *each.shape[1:]) if equal else each[: len(pids)] for each in trial.given]
    leaves = [each.clone().requires_grad_() for each in given]
    value: Tensor = torch.zeros(())
    for _ in range(2):  # a loss with a memory has nothing to compare with at first
        value = loss(trial.batch(leaves, list(pids), [1] * len(pids)))
    if not value.isfinite():
        raise InputError(f"{subject.title}: returned {value.item()} for a batch {what}, expected a number; {ADVICE}")
    if value.requires_grad:
        learned = [p for p in loss.parameters() if p.requires_grad]
        found = torch.autograd.grad(value, [*leaves, *learned], allow_unused=True)
        if any(each is not None and not each.isfinite().all() for each in found):
            advice = "add a small number below the root, or use clamp_min before it" if equal else ADVICE
            raise InputError(
                f"{subject.title}: its gradient is NaN or infinite for a batch {what}, expected numbers; {advice}"
            )

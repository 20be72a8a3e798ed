"""Laws of every part that is a torch module: encoder, aggregator, matcher and loss."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import SkipTest

import torch
from torch import Tensor, nn

from vreid_bench.modeling.model import assemble
from vreid_bench.modeling.probe import ROUNDING, differ
from vreid_bench.records.tensors import pack_tensors, unpack_tensors
from vreid_bench.records.weights import load_state
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError
from vreid_bench.testing.neighbours import PEOPLE
from vreid_bench.testing.options import check_annotations
from vreid_bench.testing.subject import Subject
from vreid_bench.testing.trial import Trial, list_trained, try_out

FIRST = 3  # names that a message lists
# What torch says of tensors on two devices.
MIXED = ("Expected all tensors to be on the same device", "is not on the expected device")


def check_provided(subject: Subject) -> None:
    """A hook may provide it: a factory that takes what the harness gives, with defaults of the types it declares."""
    check_value(subject.entry)


def check_builds(subject: Subject) -> None:
    """It is built from its options, all of which have defaults or are given, and is a torch module."""
    part = subject.build()
    if not isinstance(part, nn.Module):
        raise InputError(
            f"{subject.title}: it built {type(part).__name__}, expected a torch.nn.Module; derive its class from it"
        )


def check_run(subject: Subject) -> None:
    """It passes every check that `run` makes before anything trains: shapes, one frame, ragged tracklets, gradients."""
    assemble(subject.recipe, subject.factories, PEOPLE)


def check_same_seed(subject: Subject) -> None:
    """The same seed gives the same bits: weights, outputs in evaluation, and outputs in training."""
    trial = try_out(subject)
    first, second = subject.build(), subject.build()
    for name, value in first.state_dict().items():
        if not _are_equal(value, second.state_dict()[name]):
            raise InputError(
                f"{subject.title}: {name} has other values when it is built a second time after the same "
                "torch.manual_seed; expected the same bits: draw initial weights with torch's own generator"
            )
    with torch.no_grad():
        _compare_bits(subject, trial, first, second, "in evaluation")
        for part in (first, second):
            part.train()
        _compare_bits(subject, trial, first, second, "in training after the same torch.manual_seed")


def check_state_dict(subject: Subject) -> None:
    """What it learns is in its state: saved, and loaded into another one, it gives the same bits; also once fitted."""
    trial = try_out(subject)
    part, other = subject.build(0), subject.build(1)
    _pass_state(subject, trial, part, other, "")
    if trial.fit(part):
        _pass_state(subject, trial, part, subject.build(1), " after fit()")


def check_gradient(subject: Subject) -> None:
    """In training a finite gradient reaches each of its parameters that requires one, and its input."""
    trial = try_out(subject)
    part = subject.build().train()
    named, given = list_trained(part), [each.clone().requires_grad_() for each in trial.given]
    outputs = [value for value in trial.call(part, given).values() if value.requires_grad]
    if not outputs:
        if named:
            raise InputError(f"{subject.title}: no output has a gradient; remove detach(), no_grad() or rounding")
        raise SkipTest("nothing in it learns, and it passes no gradient on")
    generator = torch.Generator().manual_seed(0)
    weights = [torch.rand(value.shape, generator=generator) for value in outputs]
    found = torch.autograd.grad(outputs, [*named.values(), *given], weights, allow_unused=True)
    gradients = dict(zip(named, found, strict=False))
    if missing := [name for name, gradient in gradients.items() if gradient is None]:
        raise InputError(
            f"{subject.title}: no gradient reaches {_list(missing)}; use each parameter in the output, or set its "
            "requires_grad to False"
        )
    for name, gradient in (*gradients.items(), *(("its input", each) for each in found[len(named) :])):
        if gradient is not None and not gradient.isfinite().all():
            raise InputError(
                f"{subject.title}: the gradient of {name} is NaN or infinite for random input, expected finite "
                "numbers; look for the root of a distance or a norm that can be 0"
            )


def check_float64(subject: Subject) -> None:
    """After .double() it computes in float64, and differs from float32 by no more than rounding."""
    trial = try_out(subject)
    part = subject.build()
    with torch.no_grad():
        single = trial.call(deepcopy(part), trial.given)
        exact = trial.call(deepcopy(part).double(), [each.double() for each in trial.given])
    for name, value in exact.items():
        if single[name].dtype != torch.float32:
            raise InputError(f"{subject.title}: {name} is {single[name].dtype} for float32, expected float32")
        if value.dtype != torch.float64:
            raise InputError(
                f"{subject.title}: {name} is {value.dtype} for float64, expected float64; make tensors with "
                "x.new_zeros(...) or torch.zeros(..., dtype=x.dtype), and leave .float() out"
            )
        if differ(value, single[name].double()) and _spread(value, single[name]) > 100 * ROUNDING:
            raise InputError(
                f"{subject.title}: {name} in float32 differs from float64 by {_spread(value, single[name]):.1g} of "
                "its largest value, expected rounding alone; look for a difference of large numbers"
            )


def check_device(subject: Subject) -> None:
    """It moves to another device as a whole, and makes new tensors on the device of its input (tried on `meta`)."""
    trial = try_out(subject)
    part = subject.build().to("meta")
    stayed = [name for name, value in (*part.named_parameters(), *part.named_buffers()) if value.device.type != "meta"]
    if stayed:
        raise InputError(f"{subject.title}: {_list(stayed)} stays behind on the CPU; register it as a buffer")
    try:
        with torch.no_grad():
            outputs = trial.call(part, [each.to("meta") for each in trial.given])
    except (NotImplementedError, RuntimeError) as fault:
        if any(words in str(fault) for words in MIXED):
            raise InputError(
                f"{subject.title}: it makes a tensor on the CPU although its input is elsewhere "
                f"({' '.join(str(fault).split())[:200]}); make it with x.new_zeros(...) or device=x.device, or "
                "register it as a buffer"
            ) from fault
        reason = " ".join(str(fault).split())[:200]  # mostly: its output depends on values, of which `meta` has none
        raise SkipTest(
            f"it cannot be computed on the device `meta`, so that this law was not tried ({reason})"
        ) from fault
    for name, value in outputs.items():
        if value.device.type != "meta":
            raise InputError(f"{subject.title}: {name} is on {value.device}, expected the device of its input")


MODULE = (
    check_provided,
    check_annotations,
    check_builds,
    check_run,
    check_same_seed,
    check_state_dict,
    check_gradient,
    check_float64,
    check_device,
)


def _compare_bits(subject: Subject, trial: Trial, first: Any, second: Any, when: str) -> None:
    outputs = []
    for part in (first, second):
        torch.manual_seed(0)
        outputs.append(trial.call(part, [each.clone() for each in trial.given]))
    for name, value in outputs[0].items():
        if not _are_equal(value, outputs[1][name]):
            raise InputError(
                f"{subject.title}: two of it with the same weights give a different {name} {when}, expected the same "
                "bits; draw random numbers with torch's own generator, and use no set or time"
            )


def _are_equal(first: Tensor, second: Tensor) -> bool:
    """Are all numbers the same, NaN included? That there are none is another law's matter."""
    return first.shape == second.shape and bool(((first == second) | (first.isnan() & second.isnan())).all())


def _pass_state(subject: Subject, trial: Trial, part: nn.Module, other: nn.Module, when: str) -> None:
    if state := part.state_dict():
        load_state(other, _through_file(state), f"the state of {subject.title}{when}")
    with torch.no_grad():
        expected, found = (trial.call(each.eval(), trial.given) for each in (part, other))
    for name, value in expected.items():
        if not _are_equal(value, found[name]):
            raise InputError(
                f"{subject.title}: {name} is another one after its state was saved and loaded{when}, expected the "
                "same bits; keep what decides the output in parameters and buffers (register_buffer)"
            )


def _through_file(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state as the file of a run returns it."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "state.safetensors")
        file.write_bytes(pack_tensors(state, {}))
        return unpack_tensors(file)[0]


def _spread(exact: Tensor, other: Tensor) -> float:
    return float((exact - other).abs().max() / exact.abs().max().clamp_min(1e-30))


def _list(names: list[str]) -> str:
    more = f" and {len(names) - FIRST} more" if len(names) > FIRST else ""
    return ", ".join(names[:FIRST]) + more

"""Listens to the parts of a model while tracklets are embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

Read = Callable[[tuple[Any, ...], Any], Tensor]  # (what a part was given, what it returned) -> what is kept


@contextmanager
def listen(part: nn.Module, read: Read = lambda _, returned: returned) -> Iterator[list[Tensor]]:
    """Collects `read` of each call of the part inside the `with`, on the CPU."""
    heard: list[Tensor] = []

    def hook(_: nn.Module, given: tuple[Any, ...], returned: Any) -> None:
        heard.append(read(given, returned).cpu())

    handle = part.register_forward_hook(hook)
    try:
        yield heard
    finally:
        handle.remove()


@contextmanager
def listen_to_attention(aggregator: nn.Module) -> Iterator[list[Tensor]]:
    """Collects the attention [B, T'] to the frames of each batch of clips that passes through inside the `with`.

    The list stays empty if neither the aggregator nor a part of it has attention.
    """
    part: Any = find_able(aggregator, "attention")
    if part is None:
        yield []
    else:
        with listen(part, lambda given, _: part.attention(*given)) as heard:
            yield heard


def find_able(part: nn.Module, method: str) -> Any | None:
    """The part, or the first part within it, whose class has that method; None if there is none."""
    # a layer can be an attribute of that name as well, but it is no method of the class
    return next((each for each in part.modules() if callable(getattr(type(each), method, None))), None)


def find_layers(encoder: nn.Module) -> dict[str, nn.Module]:
    """The layers of an encoder by name: its children; of a part that has one child alone, the children of that child.

    Layers that do nothing are left out.
    """
    prefix, part = "", encoder
    while len(children := dict(part.named_children())) == 1:
        [(name, part)] = children.items()
        prefix += f"{name}."
    return {prefix + name: child for name, child in children.items() if not isinstance(child, nn.Identity)}

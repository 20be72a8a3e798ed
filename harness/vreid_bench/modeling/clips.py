"""Which frames of a tracklet form its clips: the samplers."""

from __future__ import annotations

import difflib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vreid_bench.contracts.recipe import Clipping
from vreid_bench.system.errors import InputError

DRAWS_CLIPS = ("consecutive", "random-consecutive", "random", "uniform")  # samplers that read `Clipping.clips`

Indices = npt.NDArray[np.int64]  # [T] frame numbers of one clip, 0-based
Draws = np.random.Generator | None


def clip_indices(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """Frame numbers of the clips of a tracklet of `length` frames: a list of C arrays [T].

    With `generator` None, in evaluation, the result depends on `clipping` and `length` alone. The frames of a clip
    are in order of time, except where padding repeats them. Raises InputError for an unusable clipping.
    """
    check_clipping(clipping)
    if length < 1:
        raise InputError(f"no clip can be cut from a tracklet of {length} frames; it needs at least one.")
    return SAMPLERS[clipping.sampler](clipping, length, generator)


def check_clipping(clipping: Clipping) -> None:
    """Raise InputError if a field of `clipping` is unknown, out of range or would be ignored."""
    name = clipping.sampler
    if name not in SAMPLERS:
        near = difflib.get_close_matches(name, SAMPLERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(f"unknown clip sampler {name!r}; there are {', '.join(SAMPLERS)}.{hint}")
    if clipping.padding not in ("cycle", "last", "drop"):
        raise InputError(f"clip padding must be cycle, last or drop, got {clipping.padding!r}.")
    if name == "all" and clipping.T != 0:
        raise InputError(f"the clip sampler 'all' takes every frame, so T must be 0, got T={clipping.T}.")
    if name != "all" and clipping.T < 1:
        raise InputError(f"the clip sampler {name!r} needs T >= 1 frames per clip, got T={clipping.T}.")
    if clipping.clips < 1 or (clipping.clips > 1 and name not in DRAWS_CLIPS):
        raise InputError(
            f"clips={clipping.clips} does not fit the clip sampler {name!r}: "
            f"{', '.join(DRAWS_CLIPS)} take 1 or more, the others exactly 1."
        )
    if clipping.step < 0 or (clipping.step > 0 and name != "dense"):
        raise InputError(
            f"step={clipping.step} does not fit the clip sampler {name!r}: "
            "only 'dense' takes a step, of 0 (= T) or more."
        )


def _consecutive(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """`clips` clips of T consecutive frames, every start 0..n-T equally likely (Gao & Nevatia 2018, whose
    code leaves out the last start). In evaluation the starts are the middles of `clips` equal parts of 0..n-T:
    people enter and leave at the ends of a tracklet, so a single clip is taken from its middle."""
    last = max(length - clipping.T, 0)
    if generator is not None:
        starts = generator.integers(0, last, size=clipping.clips, endpoint=True)
    else:
        starts = (2 * np.arange(clipping.clips) + 1) * last // (2 * clipping.clips)
    return [_run(int(start), clipping, length) for start in starts]


def _random_consecutive(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """As `consecutive`, but at random starts in evaluation, too (Matiyali & Sharma 2020, Table 1, their `consec`). The
    draw is then the same for every tracklet of the same length."""
    if generator is not None:
        return _consecutive(clipping, length, generator)
    starts = _raw(length, 0, clipping.clips) % np.uint64(max(length - clipping.T, 0) + 1)
    return [_run(int(start), clipping, length) for start in starts]


def _random(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """T frames drawn without replacement (with replacement if the tracklet is shorter), in order of time
    (torchreid's `random`). In evaluation the draw is the same for every tracklet of the same length."""
    return [np.sort(_draw(clipping.T, length, generator, clip)) for clip in range(clipping.clips)]


def _evenly(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """T frames: every (n // T)-th, from the first on. The last n % T frames are never used, and a
    shorter tracklet repeats its last frame whatever `padding` says (torchreid's `evenly`)."""
    step = max(length // clipping.T, 1)
    return [np.minimum(np.arange(clipping.T) * step, length - 1)]


def _uniform(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """`clips` clips of T consecutive frames whose starts are evenly spaced over 0..n-T, overlapping where the
    tracklet is short; a single clip starts in the middle (Matiyali & Sharma 2020, their M clips)."""
    last = max(length - clipping.T, 0)
    gaps = clipping.clips - 1
    starts = [i * last // gaps for i in range(clipping.clips)] if gaps else [last // 2]
    return [_run(start, clipping, length) for start in starts]


def _all(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """Every frame, in one clip (torchreid's `all`)."""
    return [np.arange(length)]


def _dense(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """Clips of T consecutive frames every `step` (T by default) until all frames are used; `padding` fills
    the last clip or drops it, but a tracklet shorter than T has one padded clip (Gao & Nevatia 2018 at test)."""
    step = clipping.step or clipping.T
    # a clip is left out if all its frames are in the clip before it
    starts = [s for s in range(0, length, step) if s == 0 or s - step + clipping.T < length]
    if clipping.padding == "drop":
        starts = [s for s in starts if s + clipping.T <= length] or [0]
    return [_run(start, clipping, length) for start in starts]


def _chunks(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """T chunks of ceil(n / T) frames, the last frame repeated to fill them: one random frame of each chunk,
    in evaluation the first frame (restricted random sampling as in the code of STE-NVAN and TF-CLIP)."""
    chunk = -(-length // clipping.T)
    offset = 0 if generator is None else generator.integers(0, chunk, size=clipping.T)
    return [np.minimum(np.arange(clipping.T) * chunk + offset, length - 1)]


SAMPLERS: dict[str, Callable[[Clipping, int, Draws], list[Indices]]] = {
    "consecutive": _consecutive,
    "random-consecutive": _random_consecutive,
    "random": _random,
    "evenly": _evenly,
    "uniform": _uniform,
    "all": _all,
    "dense": _dense,
    "restricted-random": _chunks,
}


def _run(start: int, clipping: Clipping, length: int) -> Indices:
    """T consecutive frames [T] from `start`. If the tracklet ends early, the frames of the clip are cycled
    (with `drop` too, as it is the only clip) or the last one is repeated."""
    if clipping.padding == "last":
        return np.minimum(np.arange(start, start + clipping.T), length - 1)
    return np.resize(np.arange(start, min(start + clipping.T, length)), clipping.T)


def _draw(count: int, length: int, generator: Draws, clip: int) -> Indices:
    """`count` of `length` frame numbers [count], without replacement if there are enough of them."""
    if generator is not None:
        return generator.choice(length, size=count, replace=count > length).astype(np.int64)
    raw = _raw(length, clip, max(count, length))
    if count > length:
        return (raw % np.uint64(length)).astype(np.int64)
    return np.argsort(raw, kind="stable")[:count]


def _raw(length: int, clip: int, count: int) -> npt.NDArray[np.uint64]:
    """Random integers [count] that depend only on the length of the tracklet and the number of the clip."""
    # the raw stream of a bit generator is the same in every version of numpy; that of `Generator.choice` may change
    return np.asarray(np.random.Philox(key=[length, clip]).random_raw(count), np.uint64)

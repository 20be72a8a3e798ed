"""Re-association: which frames a gap leaves, who is a query, a match, junk and a negative, and the scores."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench import InputError, Reassociation, Split, Tracklet
from vreid_bench.contracts.protocol import CuttingStrategy
from vreid_bench.evaluation.strategies.reassociation import find_gap
from vreid_bench.evaluation.strategies.strategy import TestStrategy as Strategy
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_plugins.protocols.reassociation import vreid_conventions, vreid_protocols

SAME_TRACK = vreid_conventions()["same-track"]


def track(pid, numbers, fps="10", camid=1, name=None):
    """A track of that person, with one crop for each frame number."""
    attributes = (("fps", fps),) if fps else ()
    folder = name or f"{pid}"
    return Tracklet(tuple(f"{folder}/{number:06d}.jpg" for number in numbers), pid, camid, attributes)


def split(*tracks):
    everyone = tuple(range(len(tracks)))
    return Split((), tracks, everyone, everyone)


def numbers(tracklet):
    return [int(frame[-10:-4]) for frame in tracklet.frames]


# 31 frames at 10 per second: the middle is frame 16, and a second is 10 frames
FIRST = track(1, range(1, 32))
SECOND = track(2, range(1, 32), camid=2)
SHORT = track(3, range(1, 13))


def test_it_is_a_strategy_that_cuts():
    assert isinstance(Reassociation(), Strategy)
    assert isinstance(Reassociation(), CuttingStrategy)
    assert Reassociation().conditions == ("gap of 1 s", "gap of 2 s", "gap of 5 s", "gap of 10 s")


def test_the_seconds_in_the_middle_are_left_out():
    found = Reassociation(gaps=(1,), least=8).cut(split(FIRST, SECOND, SHORT))["features"]
    assert [numbers(t) for t in found.test] == [
        list(range(1, 12)),  # 1 to 11, and on after a second: 21 to 31
        list(range(21, 32)),
        list(range(1, 12)),
        list(range(21, 32)),
        list(range(1, 13)),  # too short: whole
    ]
    assert found.query == (0, 1, 2, 3)
    assert found.gallery == (0, 1, 2, 3, 4)
    assert [t.pid for t in found.test] == [1, 1, 2, 2, 3]


@given(
    st.lists(st.integers(1, 200), min_size=2, max_size=40, unique=True).map(sorted),
    st.integers(1, 5000).map(lambda number: Fraction(number, 50)),
)
def test_a_gap_is_in_the_middle_and_wide_enough(found, width):
    before, after = find_gap(found, width)
    middle = Fraction(found[0] + found[-1], 2)
    # a slow loop over every frame
    assert found[:before] == [n for n in found if middle - n >= width / 2]
    assert found[after:] == [n for n in found if n - middle >= width / 2]
    if before and after < len(found):
        assert found[after] - found[before - 1] >= width


def test_time_is_that_of_the_video_not_of_the_boxes():
    seen = [*range(1, 11), *range(50, 60)]  # nothing in between: the middle is frame 30
    found = Reassociation(gaps=(1,), least=10).cut(split(track(1, seen)))["features"]
    assert [numbers(t) for t in found.test] == [list(range(1, 11)), list(range(50, 60))]


def test_a_rate_may_be_a_fraction():
    one, other = Reassociation(gaps=(1,), least=1).cut(split(track(1, range(1, 101), "30000/1001")))["features"].test
    assert numbers(other)[0] - numbers(one)[-1] == 31  # 29.97 frames or more, around 50.5: 35 and 66
    assert numbers(one)[-1] == 35


def score(strategy, test, vector):
    """Condition -> the scores of `same-track`; vector: pid and first frame of a piece -> its embedding."""
    stores = {}
    for name, cut in strategy.cut(test).items():
        embedding = torch.tensor([vector(t) for t in cut.test], dtype=torch.float32)  # [N, 1]
        stores[name] = FeatureStore(embedding, torch.ones(len(cut.test)), (1,) * len(cut.test))
    assert stores.keys() == strategy.views().keys()
    found = {}
    for case in strategy.cases(stores, SimpleNamespace(), test):
        labels = case.labels.for_conventions([SAME_TRACK])
        vectors = case.gallery.embedding[:, 0].double().numpy()
        distances = abs(vectors[labels.query] - vectors[labels.gallery].T)
        counts = count_from_distances([(slice(None), distances)], labels)
        found[case.condition] = (judge(counts, [SAME_TRACK])[SAME_TRACK.name], case)
    return found


def test_scores_that_were_worked_out_by_hand():
    # on a line: 1a at 0, 1b at 3; 2a at 4, 2b at 10; the short track at 1
    place = {(1, 1): 0, (1, 21): 3, (2, 1): 4, (2, 21): 10, (3, 1): 1}
    test = split(FIRST, SECOND, SHORT)
    found = score(Reassociation(gaps=(1,), least=8), test, lambda t: [place[t.pid, numbers(t)[0]]])
    scores, case = found["gap of 1 s"]
    # 1a: 3 at 1, 1b at 3 -> rank 2. 1b: 2a at 1, 3 at 2, 1a at 3 -> rank 3.
    # 2a: 1b at 1, 3 at 3, 1a at 4, 2b at 6 -> rank 4. 2b: 2a at 6 -> rank 1.
    assert scores.average_precision.tolist() == [1 / 2, 1 / 3, 1 / 4, 1]
    assert scores.metrics()["R1"] == 0.25
    assert scores.metrics()["queries"] == 4
    assert case.frames == [11, 11, 11, 11, 12]


def score_slowly(gap, least, tracks, where):
    """The reciprocal rank of each part, by the definition alone; where: (track, first frame) -> place on a line."""
    items = []
    for row, one in enumerate(tracks):
        if one.pid < 0:
            continue
        seen, middle = numbers(one), Fraction(numbers(one)[0] + numbers(one)[-1], 2)
        parts = [[n for n in seen if middle - n >= gap * 5], [n for n in seen if n - middle >= gap * 5]]  # 10 a second
        cut = one.pid > 0 and min(map(len, parts)) >= least
        items += [(row, one.pid, part[0], cut) for part in (parts if cut else [seen])]
    items.sort(key=lambda item: (not item[3], item[1] == 0))  # parts, then whole tracks, then distractors
    found = []
    for row, pid, first, _ in [item for item in items if item[3]]:
        ranked = [item for item in items if item[:3] != (row, pid, first) and (item[1] != pid or item[0] == row)]
        ranked.sort(key=lambda item: abs(where[item[0], item[2]] - where[row, first]))  # stable: ties keep their order
        found.append(1 / (1 + [item[0] for item in ranked].index(row)))
    return found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_scores_are_those_of_a_slow_loop(data):
    gap, least = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    tracks = []
    for number in range(data.draw(st.integers(1, 7))):
        seen = data.draw(st.lists(st.integers(1, 99), min_size=1, max_size=40, unique=True).map(sorted))
        tracks.append(track(data.draw(st.integers(-1, 4)), seen, name=f"t{number}"))
    tracks.append(track(9, range(1, 100), name="long"))  # is always cut
    places = {}

    def place(tracklet):
        key = tracklet.frames[0]
        if key not in places:
            places[key] = data.draw(st.integers(0, 9))
        return [places[key]]

    found, _ = score(Reassociation(gaps=(gap,), least=least), split(*tracks), place)[f"gap of {gap} s"]
    where = {
        (row, n): places[f"{one.frames[0].split('/')[0]}/{n:06d}.jpg"]
        for row, one in enumerate(tracks)
        for n in numbers(one)
        if f"{one.frames[0].split('/')[0]}/{n:06d}.jpg" in places
    }
    assert found.average_precision.tolist() == score_slowly(gap, least, tracks, where)


def test_another_track_of_the_person_is_junk():
    # person 1 has two tracks; the pieces of the second stand before the match and take no rank
    again = track(1, range(101, 132), name="again")
    place = {"1": {1: 0, 21: 3}, "again": {101: 1, 121: 2}, "2": {1: 4, 21: 4.5}}
    found = score(
        Reassociation(gaps=(1,), least=8),
        split(FIRST, again, SECOND),
        lambda t: [place[t.frames[0].split("/")[0]][numbers(t)[0]]],
    )
    scores, _ = found["gap of 1 s"]
    # 1a: 1b at once. 1b: 2a at 1, 2b at 1.5, 1a at 3. again a: again b. again b: again a, for 1b at 1 is junk.
    assert scores.average_precision.tolist() == [1, 1 / 3, 1, 1, 1, 1]


def test_distractors_stay_whole_and_junk_is_left_out():
    found = Reassociation(gaps=(1,)).cut(replace_test(FIRST, track(0, range(40))))["features"]
    assert [t.pid for t in found.test] == [1, 1, 0]
    found = Reassociation(gaps=(1,)).cut(replace_test(FIRST, track(-1, range(40))))["features"]
    assert [t.pid for t in found.test] == [1, 1]


def replace_test(*tracks):
    return replace(split(FIRST), test=tracks)


def test_every_gap_is_a_condition_over_its_own_pieces():
    strategy = Reassociation(gaps=(0.5, 2), least=5)
    test = split(FIRST, SECOND, SHORT)
    # at 2 s the middle 6 to 26 is lost: 1..6 and 26..31; the short track 1..12 is cut by 0.5 s: 1..4 is less than 5
    cut = {name: [numbers(t) for t in pieces.test] for name, pieces in strategy.cut(test).items()}
    assert cut == {
        "features": [  # 16 - 2.5 = 13.5
            list(range(1, 14)),
            list(range(19, 32)),
            list(range(1, 14)),
            list(range(19, 32)),
            list(range(1, 13)),
        ],
        "gap-2s": [
            list(range(1, 7)),
            list(range(26, 32)),
            list(range(1, 7)),
            list(range(26, 32)),
            list(range(1, 13)),
        ],
    }
    found = score(strategy, test, lambda t: [10 * t.pid + len(t.frames) / 100])
    assert {name: case.frames for name, (_, case) in found.items()} == {
        "gap of 0.5 s": [13, 13, 13, 13, 12],
        "gap of 2 s": [6, 6, 6, 6, 12],
    }
    assert all((scores.average_precision == 1).all() for scores, _ in found.values())


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        (
            [SHORT],
            r"no track can be cut by a gap of 10 s into parts of 8 frames or more: the longest of 1 takes 1\.1 s",
        ),
        ([track(0, range(40))], "gap of 10 s .*: there is none"),
        ([track(1, range(900), fps="")], r"1/000000\.jpg: the frame rate of its video is not known.*column of track"),
        ([track(1, range(900), fps="fast")], r"the frame rate of its video is 'fast'"),
        ([track(1, range(900), fps="0")], r"the frame rate of its video is '0'"),
        ([track(1, [5, 7, 7])], r"1/000007\.jpg: its frame number 000007 is not above 7 of the frame before it"),
        ([FIRST._replace(frames=("a/x.jpg",))], r"a/x\.jpg: no number in the name tells when it was taken"),
    ],
)
def test_tracks_that_cannot_be_cut_are_told(tracks, message):
    with pytest.raises(InputError, match=message):
        Reassociation(gaps=(10,)).cut(split(*tracks))


@pytest.mark.parametrize("options", [{"gaps": ()}, {"gaps": (1, 0)}, {"gaps": (1, 1)}, {"least": 0}])
def test_options_out_of_range_are_told(options):
    with pytest.raises(InputError, match=r"re-association: (each gap|a part)"):
        Reassociation(**options)


def test_the_protocols_differ_in_gaps_and_data():
    found = vreid_protocols()
    assert sorted(found) == [
        "custom-reassociation",
        "reassociation",
        "reassociation-10s",
        "reassociation-1s",
        "reassociation-2s",
        "reassociation-5s",
    ]
    assert len({each.fingerprint for each in found.values()}) == len({*found}) == 6
    assert found["reassociation-2s"].rules["test"] == {"strategy": "reassociation", "gaps": (2,), "least": 8}
    assert not found["reassociation"].ranks_tracklets
    assert found["reassociation"].leading == 4

"""The option `--validate`: its text, and whom it holds out of a training."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from vreid_bench import Compared, Convention, Dataset, InputError, Split, Tracklet
from vreid_bench.contracts.people import person_ids
from vreid_bench.planning.folds import Fold, TrainingSet
from vreid_bench.planning.validation import ValidationRequest

RULE = Convention("c", "1", True, "step", "skip", "", "")


def tracklet(pid, camid, **attributes):
    return Tracklet((f"{pid}/{camid}.jpg",), pid, camid, tuple(attributes.items()))


def fold(*tracklets, before=()):
    """A fold that trains on these tracklets, after training on others."""
    test = tuple(tracklet(pid, cam) for pid in (900, 901) for cam in (1, 2))
    dataset = Dataset("toy", Path("/data/toy"), (), "unverified")
    training = (*(TrainingSet(dataset, each) for each in before), TrainingSet(dataset, tracklets, 0.1))
    return Fold(3, training, dataset, Split(tracklets, test, (0, 2), (1, 3)))


def people(count, cameras=(1, 2)):
    return tuple(tracklet(pid, cam) for pid in range(1, count + 1) for cam in cameras)


def held(every, share, *tracklets, rule=RULE):
    """The last training set of a fold in which people are held out."""
    [found] = ValidationRequest(every, share).hold_out([fold(*tracklets)], rule)
    return found.training[-1]


@pytest.mark.parametrize(
    ("text", "every", "share"),
    [("every=500", 500, 0.1), ("every=1,held-out=0.5", 1, 0.5), (" held-out = .25 , every = 020 ", 20, 0.25)],
)
def test_the_text_says_how_often_and_how_many(text, every, share):
    assert ValidationRequest.parse(text) == ValidationRequest(every, share)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("evry=5", "it has no 'evry'; did you mean every? Expected every=500, or"),
        ("500", "it has no '500'; expected every=500, or"),
        ("", "it has no ''; expected every=500, or"),
        ("every=5,", "it has no ''; expected every=500, or"),
        ("held-out=0.1", "every is missing; expected every=500, or"),
        ("every=5,every=6", "every is given twice; expected every=500, or"),
        ("every=0", "every is '0', expected a number of training steps from 1 on"),
        ("every=x", "every is 'x', expected a number of training steps"),
        ("every=-5", "every is '-5', expected"),
        ("every=2.5", "every is '2.5', expected"),
        ("every=١", "every is '١', expected"),
        ("every", "every is '', expected"),
        ("every=5,held-out=0", "held-out is '0', expected a share above 0 and up to 0.5"),
        ("every=5,held-out=0.0", "held-out is '0.0', expected a share"),
        ("every=5,held-out=0.51", "held-out is '0.51', expected a share"),
        ("every=5,held-out=nan", "held-out is 'nan', expected a share"),
        ("every=5,held-out=20", "held-out is '20', expected a share"),
    ],
)
def test_any_other_text_is_refused_in_a_sentence(text, reason):
    with pytest.raises(InputError, match=rf"^--validate {re.escape(text)}: {re.escape(reason)}") as caught:
        ValidationRequest.parse(text)
    assert "\n" not in str(caught.value)


def test_every_tenth_person_is_held_out_by_number():
    found = held(5, 0.1, *people(30))
    assert {t.pid for t in found.validation.split.test} == {1, 11, 21}
    assert sorted(person_ids(found.tracklets)) == [pid for pid in range(1, 31) if pid not in (1, 11, 21)]
    asked = [found.validation.split.test[row] for row in found.validation.split.query]
    assert sorted((t.pid, t.camid) for t in asked) == [(pid, cam) for pid in (1, 11, 21) for cam in (1, 2)]
    assert (found.validation.every, found.rate) == (5, 0.1)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(20, {1, 11}), (15, {1, 11}), (10, {1, 10}), (6, {1, 6}), (4, {1, 4})],
)
def test_two_people_at_least_are_held_out(count, expected):
    found = held(5, 0.1, *people(count))
    assert {t.pid for t in found.validation.split.test} == expected
    assert len(person_ids(found.tracklets)) == count - 2


def test_people_under_one_camera_do_not_count_as_queries():
    """Of the people 1 to 12, only 5 and 9 are seen by two cameras: every fourth is held out, 1, 5 and 9."""
    tracklets = [tracklet(pid, 1) for pid in range(1, 13)] + [tracklet(5, 2), tracklet(9, 2)]
    split = held(5, 0.1, *tracklets).validation.split
    assert {t.pid for t in split.test} == {1, 5, 9}
    assert {split.test[row].pid for row in split.query} == {5, 9}
    assert len(split.gallery) == 5


@pytest.mark.parametrize(
    "tracklets", [people(40, cameras=(1,)), people(3), (*people(1), *people(40, cameras=(2,)))], ids=len
)
def test_people_who_cannot_be_queried_are_refused(tracklets):
    with pytest.raises(InputError, match=r"^/data/toy: --validate cannot score the training of split 3: of its \d+ "):
        held(5, 0.1, *tracklets)


def test_queries_stay_in_the_gallery_or_there_would_be_nothing_to_find():
    """With one tracklet for each person and camera, every tracklet is a query."""
    rule = replace(RULE, queries_in_gallery=False)
    found = held(5, 0.1, *people(20), rule=rule).validation
    assert len(found.split.query) == len(found.split.gallery) == 4
    assert found.convention == replace(rule, queries_in_gallery=None)


def test_a_convention_that_cannot_be_computed_is_refused():
    dressed = [tracklet(pid, cam, outfit="coat") for pid in range(1, 21) for cam in (1, 2)]
    held(5, 0.1, *dressed, rule=replace(RULE, match=(Compared("outfit", "same"),)))
    with pytest.raises(InputError, match="under 'c': none of 4 queries has a match in the gallery; leave --validate"):
        held(5, 0.1, *dressed, rule=replace(RULE, match=(Compared("outfit", "other"),)))


def test_people_are_held_out_of_the_last_training_alone():
    [found] = ValidationRequest(5).hold_out([fold(*people(20), before=[people(30)])], RULE)
    first, last = found.training
    assert (first.validation, len(person_ids(first.tracklets))) == (None, 30)
    assert len(person_ids(last.tracklets)) == 18

"""A test whose identities are not the true ones: what is said and refused before anything trains."""

from dataclasses import replace

import click
import pytest

from vreid_bench import Cases, Dataset, InputError, Protocol, Selection, Split, Tracklet, Unscored
from vreid_bench.planning.dataset_lists import find_list_faults
from vreid_bench.planning.fold_check import find_fold_faults
from vreid_bench.planning.folds import Fold, divide
from vreid_bench.planning.unscored import announce_ranking
from vreid_bench.scoring.conventions import CONVENTIONS

MASKED = Unscored("Its test identities are masked: they are dummies.", "ag-vpreid")
RULE = next(rule for rule in CONVENTIONS if rule.name == "gallery-as-listed")
PROTOCOL = Protocol("yard", "1", "yard", RULE.name, (RULE.name,), "", "")


def dataset(tmp_path, names=("a", "b", "c", "d"), unscored=MASKED, splits=1):
    """Two queries and two gallery tracklets without any match, and people who are also trained on."""
    test = tuple(Tracklet((f"test/{name}/1.jpg",), 1 + row % 2, row) for row, name in enumerate(names))
    train = tuple(Tracklet((f"train/{pid}-{camid}/1.jpg",), pid, camid) for pid in (1, 2, 3, 4) for camid in (1, 2))
    split = Split(train, test, (0, 2), (1, 3))
    return Dataset("yard", tmp_path, (split,) * splits, "unverified", unscored=unscored)


def folds(found, protocol=PROTOCOL):
    return divide(protocol, {"yard": found})


def test_it_is_said_once_before_training(tmp_path, capsys):
    with click.Context(click.Command("run")):
        for _ in range(2):  # two runs of one command
            announce_ranking(PROTOCOL, folds(dataset(tmp_path)))
    told = capsys.readouterr().err
    assert told == (
        f"{tmp_path}: Its test identities are masked: they are dummies. So this run writes a ranking in the form of "
        "the challenge, and no scores.\n"
    )


def test_nothing_is_said_of_a_test_that_can_be_scored(tmp_path, capsys):
    announce_ranking(PROTOCOL, folds(dataset(tmp_path, unscored=None)))
    assert capsys.readouterr().err == ""


def test_no_fault_of_masked_identities_is_one_of_the_copy(tmp_path):
    for unscored, number in ((MASKED, 0), (None, 2)):
        found = dataset(tmp_path, unscored=unscored)
        assert len(list(find_fold_faults(PROTOCOL, [RULE], folds(found), trains=True))) == number


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "b", "a", "d"), r"test/a/1.jpg and test/a/1.jpg have the same one|a ranking names a tracklet by its"),
        (("a", "b c", "e", "d"), "'b c', expected a name without blank, comma and semicolon"),
        (("a,", "b", "e", "d"), "'a,', expected a name without blank"),
    ],
)
def test_names_that_a_list_cannot_hold_are_refused(tmp_path, names, message):
    with pytest.raises(InputError, match=message):
        announce_ranking(PROTOCOL, folds(dataset(tmp_path, names)))


def test_the_same_name_in_query_and_gallery_is_none_of_them(tmp_path):
    announce_ranking(PROTOCOL, folds(dataset(tmp_path, ("a", "a", "b", "b"))))


def test_a_protocol_that_ranks_no_tracklets_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not rank tracklets, so there is no ranking to write either"):
        announce_ranking(replace(PROTOCOL, test=Selection()), folds(dataset(tmp_path)))


def test_several_splits_are_refused(tmp_path):
    with pytest.raises(InputError, match="A run writes the ranking of one of its 3 splits; choose it with --splits"):
        announce_ranking(PROTOCOL, folds(dataset(tmp_path, splits=3)))


def test_a_case_that_is_not_there_is_refused(tmp_path):
    protocol = replace(PROTOCOL, test=Cases(("up",)))
    with pytest.raises(InputError, match="cannot be tested by protocol 'yard': no query has the case 'up'"):
        announce_ranking(protocol, folds(dataset(tmp_path)))


def test_people_held_out_of_training_have_their_true_identities(tmp_path):
    (fold,) = folds(dataset(tmp_path), replace(PROTOCOL, holdout=0.5))
    assert fold.dataset.unscored is None
    assert fold.training[0].dataset is fold.dataset
    (whole,) = folds(dataset(tmp_path))
    assert isinstance(whole, Fold)
    assert whole.dataset.unscored == MASKED


@pytest.mark.parametrize(
    ("unscored", "message"),
    [
        ("masked", "has the unscored 'masked', expected None or Unscored"),
        (Unscored("", "ag-vpreid"), "expected None or Unscored"),
        (Unscored("masked", "grew"), "the form 'grew', expected one of ag-vpreid, vreid-xfd"),
    ],
)
def test_what_is_no_reason_is_refused(tmp_path, unscored, message):
    (sentence,) = find_list_faults(dataset(tmp_path, unscored=unscored))
    assert message in sentence

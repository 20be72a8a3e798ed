"""Every form of `tests/files/forms.py` scores to the numbers of its `.npz` twin, to the bit."""

import pytest
from forms import FEATURES, FORMS, MATRICES, REFUSED

RULE = ("--convention", "gallery-as-listed")


@pytest.mark.parametrize("name", FORMS)
def test_every_form_scores_as_its_twin(cli_json, tmp_path, name):
    form = FORMS[name]
    if form.needs:
        pytest.importorskip(form.needs)
    w = form.world()
    given = form.write(tmp_path, w)
    found = cli_json("score", *given, *RULE)
    expected = cli_json("score", *form.twin(tmp_path, w), *RULE)["conventions"]["gallery-as-listed"]
    if "cases" in found:
        [found] = found["cases"].values()
    scored = found["conventions"]["gallery-as-listed"]
    assert {score: scored[score] for score in form.scores} == {score: expected[score] for score in form.scores}
    assert 0 < scored["R1"] < 1  # a world in which something can go wrong


def test_every_writer_has_an_origin():
    import brought_files

    assert (set(FEATURES), set(MATRICES)) == (set(brought_files.SHAPES), set(brought_files.MATRICES))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_told_in_a_sentence(cli, tmp_path, name):
    write, words = REFUSED[name]
    result = cli("score", write(tmp_path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr.splitlines()[-1]

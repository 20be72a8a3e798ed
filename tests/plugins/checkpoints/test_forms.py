"""Every checkpoint of `tests/files/forms.py` is loaded whole by its family; the others are refused in a sentence."""

from hashlib import sha256

import pytest
from checkpoint_models import build_model, open_file
from forms import CHECKPOINTS, REFUSED_CHECKPOINTS

from vreid_bench import InputError
from vreid_bench.planning.checkpoint_files import read_tensors

EACH = [pytest.param(name, marks=[pytest.mark.slow] * form.costly) for name, form in CHECKPOINTS.items()]


@pytest.mark.parametrize("name", EACH)
def test_every_checkpoint_is_loaded_with_its_own_values(tmp_path, name):
    form = CHECKPOINTS[name]
    if form.needs:
        pytest.importorskip(form.needs)
    path = form.write(tmp_path)
    chosen, weights = open_file(form.family, path)
    assert set(form.left) <= set(weights.left)
    if path.suffix == ".onnx":
        assert bytes(weights.state["encoder.graph"].numpy()) == path.read_bytes()
        return
    given, *_ = read_tensors(path / "weights.safetensors" if path.is_dir() else path, "")
    values = {digest(value) for value in given.values()}
    parameters = dict(build_model(chosen, weights).named_parameters())
    assert parameters
    for place, value in parameters.items():  # each is one of the file's tensors, whatever its name there
        assert digest(value) in values, place


def digest(value):
    """Of the shape and the bits in float32."""
    return tuple(value.shape), sha256(value.detach().float().contiguous().numpy().tobytes()).hexdigest()


@pytest.mark.parametrize("name", REFUSED_CHECKPOINTS)
def test_what_no_family_reads_is_told_in_a_sentence(tmp_path, name):
    write, family, words = REFUSED_CHECKPOINTS[name]
    path = write(tmp_path)
    with pytest.raises(InputError) as caught:
        open_file(family, path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)

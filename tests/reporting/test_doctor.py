"""What `doctor` says of timm: absent, there, and there but for another torch."""

from types import SimpleNamespace

import pytest

from vreid_bench.reporting import doctor


@pytest.fixture
def timm(monkeypatch):
    """Put in its place what importing timm does."""

    def put(load):
        monkeypatch.setattr(doctor, "find_spec", lambda name: object())
        monkeypatch.setattr(doctor, "import_module", lambda name: load())

    return put


def test_what_to_install_for_timm_is_told(monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert doctor.examine()["timm"].endswith("pip install -e '.[timm]' -c constraints.txt")


def test_a_timm_that_imports_is_told_with_its_version(timm):
    timm(lambda: SimpleNamespace(__version__="9.9"))
    assert doctor.examine()["timm"] == "9.9: its networks are the encoders timm:NAME"


def test_a_timm_whose_torchvision_is_for_another_torch_is_told(timm):
    def fail():
        raise RuntimeError("operator torchvision::nms does not exist")

    timm(fail)
    found = doctor.examine()["timm"]
    assert found.startswith("installed, but cannot be imported (operator torchvision::nms does not exist)")
    assert "install the torchvision that is built for torch" in found

"""The catalogue: what it answers without importing a plugin, and that nothing it answers is old."""

import importlib
import os
import pickle
import sys

import pytest

from vreid_bench import InputError
from vreid_bench.registry import source_state
from vreid_bench.registry.catalogue import CataloguedEntry, _describe, _unpack
from vreid_bench.registry.entry import Family
from vreid_bench.registry.inspection import GIVEN
from vreid_bench.registry.registry import Registry

SHELF = '''
from vreid_bench import Clipping, InputError, Method, Schedule, Train, hookimpl, part
from shelf.sizes import WIDTH


class Odd:
    pass


class Pool:
    """Pools.

    width: how wide it is.
    """

    def __init__(self, shape, width=WIDTH, inner=part("mean", p=0.5), odd=ODD):
        pass

    def fit(self, maps):
        pass


def method(preset):
    if preset == "paper":
        raise InputError("no paper")
    stage = Train(Clipping("dense", 4), {}, 10, 4, 2, Schedule("constant", 1e-3))
    return Method(part("net"), part("pool"), part("mean"), Clipping("dense", 4), (64, 32), {}, (stage,))


@hookimpl
def vreid_aggregators():
    return {"pool": Pool}


@hookimpl
def vreid_methods():
    return {"plain": method}
'''
OLD = 1_000_000_000  # seconds: the time of all files, long before this process began


def write(file, text, time=OLD):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (time, time))


def install(site, name, module, version="1"):
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    write(folder / "METADATA", f"Name: {name}\nVersion: {version}\n")
    write(folder / "entry_points.txt", f"[vreid_bench]\n{module} = {module}\n")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path with an installed plugin, `shelf`, the only one that is loaded."""
    for name, module in list(sys.modules.items()):
        # what an earlier test wrote and loaded, as a plugin or as kernels, is newer than this process: nothing would
        # be kept
        file = getattr(module, "__file__", None)
        if file and (not os.path.exists(file) or os.stat(file).st_mtime_ns >= source_state.BEGAN):
            monkeypatch.delitem(sys.modules, name)
    site = tmp_path / "site"
    write(site / "shelf/__init__.py", SHELF.replace("odd=ODD", "depth=2"))
    write(site / "shelf/sizes.py", "WIDTH = 3\n")
    install(site, "vreid-shelf", "shelf")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("VREID_PLUGINS", "shelf")
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    yield site
    forget()


def forget():
    """Forget the imported plugins and what Python knows of folders, as a new process would."""
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("shelf", "rack")]:
        del sys.modules[name]


def look():
    """The registry as a new process sees it, and whether that has imported the plugin."""
    forget()
    registry = Registry.installed()
    return registry, "shelf" in sys.modules


def ask(registry):
    """All that commands ask of entries before they build one."""
    pool, method = registry.entry("aggregators", "pool"), registry.entry("methods", "plain")
    answers = [pool.describe(), pool.provider(), pool.can_fit, pool.options, pool.docstrings]
    return [*answers, method.describe(), method.provider(), method.build_method("small")]


def test_a_second_process_is_answered_alike_without_importing_the_plugin(site):
    registry, imported = look()
    expected = ask(registry)
    assert imported
    assert expected[0]["distribution"] == "vreid-shelf"
    assert expected[3]["width"] == 3
    registry, imported = look()
    assert ask(registry) == expected
    assert not imported
    assert "shelf" not in sys.modules
    assert registry.get("aggregators", "pool") is sys.modules["shelf"].Pool  # its value is needed: now it is imported


def test_its_hooks_are_called_with_all_plugins_imported(site):
    look()
    registry, imported = look()
    assert not imported
    assert registry.manager.hook.vreid_aggregators() == [{"pool": sys.modules["shelf"].Pool}]


CHANGES = {
    "same size, new time": lambda site: write(site / "shelf/sizes.py", "WIDTH = 5\n", OLD + 1),
    "same time, new size": lambda site: write(site / "shelf/sizes.py", "WIDTH = 5 - 0\n"),
    "a new module": lambda site: write(site / "shelf/sizes/__init__.py", "WIDTH = 5\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_edited_plugin_is_loaded_again(site, change):
    look()
    CHANGES[change](site)
    registry, imported = look()
    assert imported
    assert registry.entry("aggregators", "pool").options["width"] == 5
    assert not look()[1]  # and the new one is kept


def test_a_file_outside_the_plugin_that_it_imports_counts(site, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    write(tmp_path / "elsewhere/rack.py", "WIDTH = 3\n")
    write(site / "shelf/sizes.py", "from rack import WIDTH\n")
    look()
    assert not look()[1]
    write(tmp_path / "elsewhere/rack.py", "WIDTH = 5\n", OLD + 1)
    registry, imported = look()
    assert imported
    assert registry.entry("aggregators", "pool").options["width"] == 5


READS = {
    "environ.get": "import os\nWIDTH = int(os.environ.get('SHELF_WIDTH', 3))\n",
    "environ[]": 'from os import environ\nWIDTH = int(environ["SHELF_WIDTH"]) if "SHELF_WIDTH" in environ else 3\n',
    "getenv": "import os\nNAME = 'SHELF_WIDTH'\nWIDTH = int(os.getenv(NAME) or 3)\n",
}


@pytest.mark.parametrize("read", READS)
def test_an_environment_variable_that_the_plugin_reads_counts(site, monkeypatch, read):
    write(site / "shelf/sizes.py", READS[read])
    look()
    assert not look()[1]
    monkeypatch.setenv("SHELF_WIDTH", "5")
    registry, imported = look()
    assert imported
    assert registry.entry("aggregators", "pool").options["width"] == 5
    monkeypatch.setenv("SHELF_DEPTH", "5")  # which it does not read
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")  # which the harness reads
    assert not look()[1]
    monkeypatch.delenv("SHELF_WIDTH")
    assert look()[0].entry("aggregators", "pool").options["width"] == 3


def test_a_new_version_another_plugin_and_one_less_are_seen(site, monkeypatch):
    look()
    (site / "vreid_shelf-1.dist-info").rename(site / "vreid_shelf-2.dist-info")
    write(site / "vreid_shelf-2.dist-info/METADATA", "Name: vreid-shelf\nVersion: 2\n")
    registry, imported = look()
    assert imported
    assert registry.entry("aggregators", "pool").version == "2"
    write(site / "rack.py", "from vreid_bench import hookimpl\n@hookimpl\ndef vreid_losses(): return {'peg': max}\n")
    install(site, "vreid-rack", "rack")
    assert look()[0].find("losses", "peg") is None  # VREID_PLUGINS does not name it
    monkeypatch.setenv("VREID_PLUGINS", "shelf,rack")
    assert look()[0].find("losses", "peg")
    assert not look()[1]
    monkeypatch.setenv("VREID_PLUGINS", "rack")
    assert look()[0].find("aggregators", "pool") is None
    (site / "vreid_shelf-2.dist-info/entry_points.txt").unlink()
    monkeypatch.setenv("VREID_PLUGINS", "shelf")
    with pytest.raises(InputError, match="VREID_PLUGINS names 'shelf', which is not installed"):
        look()


def test_a_file_that_changed_since_the_process_began_is_in_no_catalogue(site, monkeypatch):
    began = source_state.BEGAN
    monkeypatch.setattr(source_state, "BEGAN", OLD * 10**9)
    assert look()[1]
    monkeypatch.setattr(source_state, "BEGAN", began)
    assert look()[1]
    assert not look()[1]


def test_a_plugin_that_was_imported_before_is_not_kept(site):
    look()
    write(site / "shelf/sizes.py", "WIDTH = 5\n", OLD + 1)
    assert Registry.installed().entry("aggregators", "pool").options["width"] == 3  # what this process has imported
    registry, imported = look()
    assert imported
    assert registry.entry("aggregators", "pool").options["width"] == 5


DAMAGE = {
    "emptied": lambda content: b"",
    "cut off": lambda content: content[:-9],
    "a byte": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_catalogue_is_passed_over_and_made_again(site, tmp_path, damage):
    expected = ask(look()[0])
    [file] = (tmp_path / "cache/plugins").iterdir()
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    registry, imported = look()
    assert imported
    assert ask(registry) == expected
    assert not look()[1]


def test_without_a_cache_folder_nothing_is_kept_or_said(site, tmp_path, monkeypatch, capsys):
    write(tmp_path / "file", "")
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "file"))
    assert ask(look()[0]) == ask(look()[0])
    assert look()[1]
    assert capsys.readouterr() == ("", "")


def test_a_wrong_plugin_says_the_same_every_time(site):
    write(site / "shelf/__init__.py", SHELF.replace("odd=ODD", "depth=2").replace("vreid_methods", "vreid_method"))
    for _ in range(2):
        with pytest.raises(
            InputError,
            match=r"'shelf' of vreid-shelf is not usable: there is no hook 'vreid_method'; did you mean vreid_methods.*"
            r" docs/plugins\.md lists all hooks",
        ):
            look()


def test_a_method_that_fails_at_one_preset_says_so_when_it_is_asked_for(site):
    for expected in (True, False):
        registry, imported = look()
        assert imported is expected
        assert registry.entry("methods", "plain").build_method("small").size == (64, 32)
        with pytest.raises(InputError, match="no paper"):
            registry.entry("methods", "plain").build_method("paper")


def test_what_is_no_plain_data_is_asked_of_the_plugin(site):
    write(site / "shelf/__init__.py", SHELF.replace("odd=ODD", "odd=Odd()"))
    look()
    registry, imported = look()
    assert not imported
    pool = registry.entry("aggregators", "pool")
    assert pool.summary == "Pools."
    assert "shelf" not in sys.modules
    assert type(pool.options["odd"]).__name__ == "Odd"


def test_reading_runs_no_code_of_a_foreign_file():
    with pytest.raises(pickle.UnpicklingError, match="is not plain data"):
        _unpack(pickle.dumps(os.getcwd))


def test_of_the_plugins_of_this_distribution_everything_is_known():
    """Then `list`, `methods show` and `run --set` import none of them."""

    def load():
        raise AssertionError("the plugin is imported")

    for entry in Registry.installed().entries():
        _, kind, name, facts, recipes = _unpack(pickle.dumps(_describe(entry)))
        known = CataloguedEntry(kind, name, facts, recipes, load)
        assert known.describe() == entry.describe()
        assert (known.modules, known.packages, known.can_fit) == (entry.modules, entry.packages, entry.can_fit)
        if kind in GIVEN and not isinstance(entry.value, Family):
            assert (known.options, known.docstrings) == (entry.options, entry.docstrings)
            assert known.files == entry.files
        if kind == "methods":
            assert [known.build_method(p) for p in ("paper", "small")] == [
                entry.build_method(p) for p in ("paper", "small")
            ]

"""What a process remembers of the source files that others have parsed, and what it parses again."""

import os

import pytest

from vreid_bench.registry import parsed_code
from vreid_bench.registry.parsed_code import keep_codes, read_code

OLD = 1_000_000_000  # seconds: the time of the file, long before this process began


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The file of a module, in a new cache folder."""
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "net.py", "import torch\nWIDTH = 3\n")
    yield tmp_path / "net.py"
    forget()


def write(file, text, time=OLD):
    file.write_text(text)
    os.utime(file, (time, time))


def forget():
    """Forget what this process has read, as a new one would."""
    read_code.cache_clear()
    parsed_code._remember.cache_clear()


@pytest.fixture
def parse(module, monkeypatch):
    """Read the file as a new process does; returns its code, and whether it was parsed."""
    parsed = []
    original = parsed_code._parse
    monkeypatch.setattr(parsed_code, "_parse", lambda *given: parsed.append(given) or original(*given))

    def run():
        forget()
        parsed.clear()
        code = read_code(module, "net")
        keep_codes()
        return code, bool(parsed)

    return run


def test_a_second_process_has_the_same_without_parsing(parse):
    code, parsed = parse()
    assert parsed
    assert code.imports == ("torch",)
    assert parse() == (code, False)


@pytest.mark.parametrize(
    ("text", "time"), [("import torch\nWIDTH = 5\n", OLD + 1), ("import torch\nWIDTH = 55\n", OLD)]
)
def test_a_changed_file_is_parsed_again(module, parse, text, time):
    before, _ = parse()
    write(module, text, time)
    after, parsed = parse()
    assert parsed
    assert after.fingerprint != before.fingerprint


def test_a_file_that_changed_since_the_process_began_is_not_remembered(module, parse):
    os.utime(module)
    code, _ = parse()
    assert parse() == (code, True)


def test_a_damaged_memory_is_passed_over(parse, tmp_path):
    code, _ = parse()
    [file] = (tmp_path / "cache/code").iterdir()
    content = file.read_bytes()
    file.write_bytes(content.replace(code.fingerprint[:8].encode(), b"00000000"))
    assert parse() == (code, True)


def test_what_is_gone_is_forgotten(module, parse, tmp_path):
    parse()
    module.rename(tmp_path / "other.py")
    read_code(tmp_path / "other.py", "other")
    keep_codes()
    [file] = (tmp_path / "cache/code").iterdir()
    assert b"other.py" in file.read_bytes()
    assert b"net.py" not in file.read_bytes()

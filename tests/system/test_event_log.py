"""The file of events: its lines, its levels, and what ends it."""

import logging
import re

import pytest

from vreid_bench.system.event_log import LOGGER, log_events, read_fault

LINE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARNING|ERROR) (.*)"


def read(path):
    return [re.fullmatch(LINE, line).groups() for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("level", "kept"),
    [("debug", ["DEBUG", "INFO", "WARNING"]), ("info", ["INFO", "WARNING"]), ("warning", ["WARNING"])],
)
def test_a_line_has_time_level_and_words(tmp_path, level, kept):
    before = LOGGER.level, list(LOGGER.handlers)
    for _ in range(2):  # the second time, lines are appended
        with log_events(tmp_path / "run.log", level):
            for name in ("debug", "info", "warning"):
                logging.getLogger("vreid_bench.training").log(getattr(logging, name.upper()), "%s said", name)
    assert read(tmp_path / "run.log") == 2 * [(name, f"{name.lower()} said") for name in kept]
    LOGGER.warning("afterwards")
    assert len(read(tmp_path / "run.log")) == 2 * len(kept)
    assert (LOGGER.level, LOGGER.handlers) == before


def test_the_exception_that_ends_a_run_is_the_last_line_and_goes_on(tmp_path):
    with pytest.raises(ValueError, match="a\nb"), log_events(tmp_path / "run.log", "info"):
        raise ValueError("a\nb")
    assert read(tmp_path / "run.log") == [("ERROR", "stopped: ValueError: a b")]
    assert read_fault(tmp_path / "run.log") == "ValueError: a b"
    with pytest.raises(KeyboardInterrupt), log_events(tmp_path / "run.log", "info"):
        raise KeyboardInterrupt
    assert read_fault(tmp_path / "run.log") == ""
    with pytest.raises(KeyboardInterrupt), log_events(tmp_path / "gone" / "run.log", "info"):
        raise KeyboardInterrupt
    assert not (tmp_path / "gone").exists()

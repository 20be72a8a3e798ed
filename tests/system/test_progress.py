"""Progress on stderr where that is a file or a pipe: lines, without control characters."""

from vreid_bench.system import progress


def counts(text):
    """The first word behind the title of each line: how many were done."""
    return [line.split(": ")[1].split()[0].rstrip(",") for line in text.splitlines()]


def test_a_bar_in_a_file_is_one_line_at_its_end_if_it_is_short(capsys):
    with progress.bar(300, "embed", "tracklet") as shown:
        for _ in range(300):
            shown.update()
    text = capsys.readouterr().err
    assert text.startswith("embed: 300 of 300, ")
    assert counts(text) == ["300"]
    assert all(character == "\n" or character.isprintable() for character in text)


def test_a_long_bar_in_a_file_is_a_line_from_time_to_time(capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)  # seconds
    with progress.bar(5, "stage 1 of 2", "step", done=2) as shown:
        for step in range(2, 5):
            shown.set_postfix(loss=f"{step}.5", refresh=False)
            shown.update()
            progress.write_line(f"validation: {step}")
    text = capsys.readouterr().err
    assert counts(text) == ["2", "3", "2", "4", "3", "5", "4"]
    assert ", loss=4.5" in text
    assert "\r" not in text


def test_a_bar_without_work_or_hidden_writes_nothing(capsys):
    with progress.bar(3, "rank", "query"):
        pass
    with progress.bar(3, "rank", "query", quiet=True) as shown:
        shown.update(3)
    with progress.silence(), progress.bar(3, "rank", "query") as shown:
        shown.update(3)
    progress.write_line("quiet", quiet=True)
    text = capsys.readouterr().err
    assert text == ""


def test_a_bar_that_fails_says_how_far_it_came(capsys):
    shown = progress.bar(3, "rank", "query")
    shown.update(2)
    shown.__exit__(ValueError, None, None)
    text = capsys.readouterr().err
    assert counts(text) == ["2"]

"""The small files of a run, on their way from one machine to another."""

from vreid_bench.boards.carried_files import read_small_files, write_small_files


def test_all_of_a_run_comes_but_weights_features_and_what_holds_for_one_machine(tmp_path):
    left = ("weights.safetensors", "split-0/features.safetensors", ".lock", "data.json", ".x.7.unfinished")
    come = ("record.json", "per_query.npz", "split-0/log.jsonl")
    for name in (*left, *come):
        (tmp_path / "there" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "there" / name).write_text(name)
    files = read_small_files(tmp_path / "there")
    assert files == {name: name.encode() for name in come}
    write_small_files(tmp_path / "here", files)
    assert read_small_files(tmp_path / "here") == files


def test_the_record_is_written_last(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        "vreid_bench.boards.carried_files.write_atomic", lambda path, content: written.append(path.name)
    )
    write_small_files(tmp_path, {"record.json": b"", "a": b"", "split-0/z": b""})
    assert written == ["a", "z", "record.json"]


def test_a_run_that_was_carried_is_finished_here(finished_runs, tmp_path, cli):
    [run] = finished_runs.iterdir()
    write_small_files(tmp_path / "runs" / run.name, read_small_files(run))
    shown = cli("runs", "--runs", tmp_path / "runs")
    assert run.name in shown.output
    page = ("report", tmp_path / "runs" / run.name, "--out", tmp_path / "pages", "--no-figures", "-q")
    result = cli(*page)
    assert (result.exit_code, "does not say where its mars data was" in result.stderr) == (2, True)
    assert cli(*page, "--no-images").exit_code == 0

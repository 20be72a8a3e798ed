"""Parsers of what the program writes and reads again: pre-trained encoders, stages, sums, caches and journals."""

import io
import json
import zlib
from contextlib import suppress
from functools import cache
from unittest.mock import patch

import numpy as np
from parser import Parser, as_file, as_folder, pack_tensors, seal_tensors, unpack_folder, unpack_tensors

from vreid_bench.system.errors import InputError

HASH = "0" * 64
COSTS = {"seconds": 1.5, "cpu_seconds": 1.0, "frames": 2.0, "peak_mb": 3.0}


def make_encoders(folder):
    """What `vreid-bench pretrain` writes, of a network of one layer."""
    from safetensors.numpy import save

    from vreid_bench.records.encoder_note import EncoderNote

    note = EncoderNote(
        name="resnet",
        options={"depth": 18, "size": [64, 32], "name": None},
        recipe=HASH,
        protocol="pretraining",
        data=HASH,
        code=None,
        seed=0,
        steps=20,
        arithmetic="portable",
        content=HASH,
        mAP=0.5,
        R1=1.0,
    )
    tensors = {"weight": np.ones((2, 3), np.float32), "bias": np.ones(2, np.float32)}
    return [unpack_tensors(save(tensors, note.to_note()))]


def read_encoder(path):
    """As `--weights encoder=FILE` does, and as weights that a package ships are chosen."""
    from torch import nn

    from vreid_bench.modeling.pretrained import fit_file
    from vreid_bench.modeling.weights_option import open_file
    from vreid_bench.records.encoder_file import take_encoder
    from vreid_bench.records.encoder_note import read_encoder_note

    with suppress(InputError):
        note = read_encoder_note(path)
        assert note is None or note.part == note.part
    with suppress(InputError):
        take_encoder(path)
    part = nn.Linear(3, 2)
    found = fit_file(open_file(f"encoder={path}"), "resnet", part, "encoder resnet", ("*",))
    found.load(part)
    return found.report(), found.entry.words


def make_stages(folder):
    """The state after a stage of a run beside the one that looks for it, with the log of its training."""
    from safetensors.numpy import save

    note = {"made_by": HASH, "cost": json.dumps(COSTS)}
    parts = unpack_tensors(save({"weight": np.ones((2, 3), np.float32)}, note))
    return [{**parts, "log": b'{"stage": 0, "step": 1, "loss": 0.5}\n', "costs": json.dumps({"train": COSTS}).encode()}]


def read_stage(folder, parts):
    """As a run does that begins where an equal training was."""
    from vreid_bench.records.adoption import adopt_stage, find_stage
    from vreid_bench.records.run_directory import FoldDirectory
    from vreid_bench.records.stage_state import load_stage

    for run in ("a", "b"):
        (folder / run).mkdir(exist_ok=True)
        for path in (folder / run).iterdir():
            path.unlink()
    other, run = (FoldDirectory(folder / name, folder / name) for name in ("a", "b"))
    other.stage(1).write_bytes(seal_tensors(parts))
    other.log.write_bytes(parts.get("log", b""))
    run.costs.write_bytes(parts.get("costs", b"{}"))
    if found := find_stage(run, [HASH]):
        adopt_stage(found, run)
        load_stage(run.stage(1))


def read_sums(folder):
    """As a record is read whose folder has checksums."""
    from vreid_bench.records.sums import find_changed

    assert isinstance(find_changed(folder), str)


def make_sums(folder):
    from vreid_bench.records.sums import write_sums

    (folder / "record.json").write_bytes(b"{}")
    write_sums(folder, [("record.json", b"{}"), ("per_query.npz", b"x")])
    return [unpack_folder(folder)]


def read_hashes(path):
    from vreid_bench.planning.content import _read_known

    return _read_known(path)


def make_hashes(folder):
    return [{"": json.dumps({HASH: [HASH, ["one and two share 3 pictures"], []]}).encode()}]


def make_catalogues(folder):
    """What plugins provide, as data and as bytes."""
    import pickle

    head = json.dumps({"state": "same", "others": [], "variables": ["HOME"]}).encode()
    rows = [("mars", "datasets", "mars", {"title": "MARS"}, {}), ("vlad", "methods", "vlad", {}, {"small": None})]
    return [{"": head + b"\n" + pickle.dumps(rows)}]


def read_catalogue(path):
    """As every command does, of a file with a right checksum, which a changed one does not have.

    One that claims memory is left out: to look for that would cost each command more than reading the catalogue.
    """
    from types import SimpleNamespace

    from vreid_bench.importing.pickles import Refused, _check_memo
    from vreid_bench.registry import catalogue

    try:
        _check_memo(io.BytesIO(path.read_bytes().partition(b"\n")[2]))
    except Refused:
        return
    except Exception:  # which the reader must see
        pass
    points = [SimpleNamespace(name=name, module=f"{name}.hooks") for name in ("mars", "vlad")]
    with (
        patch.object(catalogue, "hash_state", lambda *_: "same"),
        patch.object(catalogue, "read_cached", lambda _: path.read_bytes()),
    ):
        found = catalogue.Catalogue([SimpleNamespace(point=point) for point in points]).read()
    assert found is None or all(isinstance(entry, catalogue.CataloguedEntry) for entry in found)


def make_codes(folder):
    """What source files import."""
    return [{"": json.dumps({"a /a.py": [[12, 345], HASH, ["os", "os.path"]]}).encode()}]


def read_codes(path):
    from vreid_bench.registry import parsed_code

    with patch.object(parsed_code, "read_cached", lambda _: path.read_bytes()):
        known = parsed_code._remember.__wrapped__()
    for state, code, imports in known.values():
        assert (state == [12, 345]) in (True, False)
        parsed_code.Code(code, tuple(imports))


@cache
def plan():
    """Two tracklets of two frames, which nothing renders."""
    from vreid_plugins.synthetic.plan import Job, Plan
    from vreid_plugins.synthetic.tracklet import TrackletSpec
    from vreid_plugins.synthetic.world import World

    specs = [TrackletSpec(identity=0, camera=camera, take=0, frames=2) for camera in (0, 1)]
    jobs = tuple(Job(spec, tuple(f"{spec.camera}/{at}.jpg" for at in range(2))) for spec in specs)
    return Plan("mars", World(name="x", cameras=2), jobs, {"list.txt": b"0/0.jpg\n"}, {"cameras": 2})


def render_none(partial, world, batch):
    """In place of a renderer: frames of a byte."""

    from vreid_plugins.synthetic.nuisance import FLAGS
    from vreid_plugins.synthetic.writer import _entry, _npz

    for number, job in batch:
        for path in job.paths:
            (partial / path).write_bytes(b"x")
        ones = np.ones(len(job.paths), np.float32)
        sums = np.array([zlib.crc32(b"x")] * len(job.paths), np.uint32)
        _entry(partial, number).write_bytes(
            _npz(visibility=ones, flags=np.ones((len(job.paths), len(FLAGS)), bool), checksums=sums)
        )


def make_journals(folder):
    """An unfinished rendering whose tracklets are all there."""
    from vreid_plugins.synthetic import writer

    partial = folder / "tree.partial"
    partial.mkdir()
    writer._prepare(partial, plan())
    render_none(partial, None, enumerate(plan().jobs))
    return [unpack_folder(folder)]


def render(folder):
    """As an interrupted rendering is gone on with; it leaves the whole tree."""
    from vreid_plugins.datasets.fault_report import stop
    from vreid_plugins.datasets.synthetic_note import read_visibility
    from vreid_plugins.synthetic import writer

    with (
        patch.object(writer, "_render_jobs", render_none),
        patch.object(writer, "is_pinned", lambda: True),
    ):
        writer.write_tree(folder / "tree", plan(), workers=1, progress=False)
    frames = [path for job in plan().jobs for path in job.paths]
    # what a change of a frame and of its checksum made is as good as what was there
    assert all((folder / "tree" / path).read_bytes() in (b"x", b"") for path in frames)
    read_visibility(folder / "tree", frames, stop)


def make_readmes(folder):
    return [{"": b"# A\n\n<!-- begin board mars/synthetic -->\n| a |\n<!-- end board -->\n\nmore\n"}, {"": b"# B\n"}]


def read_readme(path):
    from vreid_bench.reporting.front_place import find_place

    if place := find_place(path.parent / "leaderboard"):
        place.fill("| b |\n")


def read_canary(path):
    from vreid_bench.reporting.doctor import find_canary_fault

    assert isinstance(find_canary_fault(path), str)


def make_canaries(folder):
    return [{"": json.dumps({"torch": "2.9.0", "weights": {"mean-pooling": HASH, "tacan": HASH}}).encode()}]


def read_crops(path):
    """The note beside cut tracklets."""
    from vreid_plugins.datasets.fault_report import ignore, stop
    from vreid_plugins.datasets.mot.reader import check_crops, read_counts

    for report in (ignore, stop):
        check_crops(path.parent, read_counts(path.parent, report), report)


def make_crops(folder):
    return [{"": json.dumps({"counts": {"tracklets": 3, "crops": 12}, "schema": 1}).encode()}]


KEPT_FILES = {
    "encoder file": Parser(make_encoders, as_file(read_encoder, "x.safetensors", seal_tensors)),
    "damaged encoder file": Parser(make_encoders, as_file(read_encoder, "x.safetensors", pack_tensors)),
    "stage": Parser(make_stages, read_stage),
    "sums": Parser(make_sums, as_folder(read_sums)),
    "hashes of pictures": Parser(make_hashes, as_file(read_hashes)),
    "catalogue": Parser(make_catalogues, as_file(read_catalogue)),
    "parsed code": Parser(make_codes, as_file(read_codes)),
    "journal": Parser(make_journals, as_folder(render), 20),
    "readme": Parser(make_readmes, as_file(read_readme, "README.md")),
    "canary.json": Parser(make_canaries, as_file(read_canary)),
    "crops": Parser(make_crops, as_file(read_crops, "tracks.json")),
}

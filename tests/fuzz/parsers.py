"""Every parser of files and texts that strangers write: a name, whole files to begin with, and how one is read."""

import io
import json
import shutil
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from decoders import DECODERS
from files_together import TOGETHER
from galleries import GALLERIES
from kept_files import KEPT_FILES
from parser import Parser, as_file, pack_tensors, pack_zip, seal_tensors, to_bytes, unpack_tensors, unpack_zip

from vreid_bench.system.errors import InputError
from vreid_plugins.synthetic.writer import ANNOTATIONS

TREES = Path(__file__).parents[2]


# files that are brought


def brought(*names):
    """Files that other programs wrote, as `tests/files` has them, each alone."""

    def make(folder):
        from brought_files import SHAPES, world

        found = []
        for number, name in enumerate(names):
            (folder / str(number)).mkdir()
            found += [path.read_bytes() for path in SHAPES[name](folder / str(number), world(gallery=6, people=2))]
        return [{"": content} for content in found]

    return make


def archives(make):
    """The same archives as bytes, and as their members."""

    def both(folder):
        found = make(folder)
        return [*found, *(unpack_zip(parts[""]) for parts in found if parts[""].startswith(b"PK"))]

    return both


def make_parquet(folder):
    from brought_files import world, write_parquet

    return [{"": write_parquet(folder, world(gallery=6, people=2))[0].read_bytes()}]


def read_brought(path):
    from vreid_bench.registry.registry import Registry
    from vreid_bench.scoring.imports import import_files
    from vreid_bench.scoring.label_source import Pair

    return Pair.of(import_files((path,), Registry.installed)).labels


def read_any(path):
    from vreid_bench.importing.recognition import read_content

    return read_content(path)


def make_stores(folder):
    """The features of a run, as parts; written here without torch, which the reader does not need."""
    from safetensors.numpy import save

    arrays = {
        "embedding": np.ones((5, 4), np.float32),
        "importance": np.ones(5, np.float32),
        "counts": np.array([2, 1, 2]),
        "pid": np.array([1, 2, 1]),
        "camid": np.array([1, 2, 2]),
        "query": np.array([0]),
        "gallery": np.array([1, 2]),
    }
    names = {"person": '["a", "b", "a"]', "camera": '["x", "y", "y"]', "tracklet": '["1", "2", "3"]'}
    note = {"made_by": "0" * 64, "metric": "cosine", **names}
    one = {name: array for name, array in arrays.items() if name != "counts"} | {"counts": np.ones(3, int)}
    one |= {"embedding": np.ones((3, 4), np.float32), "importance": np.ones(3, np.float32)}
    return [unpack_tensors(save(each, note)) for each in (arrays, one)]


def read_store(path):
    from vreid_bench.scoring.label_source import Listing

    listing = Listing.from_file(path, None)
    return listing.labels, listing.tracklets.vectors("float32")


def make_checkpoints(folder):
    from safetensors.numpy import save

    arrays = {
        "module.weight": np.ones((2, 3), np.float32),
        "module.bias": np.ones(2, np.float32),
        "optimizer.weight": np.ones((2, 3), np.float32),
    }
    weights = {name.removeprefix("module."): array for name, array in arrays.items() if name.startswith("module")}
    return [unpack_tensors(save(arrays, {"position": "[1, 20]"})), unpack_tensors(save(weights, {"made_by": "0" * 64}))]


def read_checkpoint(path):
    from torch import nn

    from vreid_bench.records.feature_store import FeatureStore
    from vreid_bench.records.run_state import _read_position
    from vreid_bench.records.weights import load_weights
    from vreid_bench.training.checkpoint import Checkpoints, read_position

    _read_position(path)
    read_position(path)
    for read in (Checkpoints(path).restore, partial(load_weights, path)):
        with suppress(InputError):
            read(nn.Linear(3, 2))
    FeatureStore.from_file(path)


# what runs and leaderboards keep


def make_records(folder):
    return [{"": (TREES / "tests/golden/record.json").read_bytes()}]


def read_record(path):
    from vreid_bench.records.record import Record

    return Record.from_file(path).metrics()


def make_per_query(folder):
    from vreid_bench.contracts.convention import Admission, Having
    from vreid_bench.records.per_query import MatchCounts, PerQuery, QueryScores

    names = {name: np.array(["a", "b", "a"]) for name in ("person", "camera", "tracklet")}
    scores = QueryScores(np.array([1.0, np.nan, 0.25]), np.array([0, -1, 6]))
    night = Admission(gallery=(Having("light", ("night", "dusk")),), least_frames=3)
    counts = MatchCounts(
        np.array([0, 2]),
        np.array([0, 1]),
        np.array([[1, 2], [3, 4]]),
        {"outfit": np.array([True, False])},
        (night,),
        np.array([[True], [False], [True]]),
    )
    columns = [np.array(column) for column in ([0, 0, 1], [4, 5, 4], [7, 8, 7], [1, 2, 1])]
    content = PerQuery(*columns, np.array([True, True, False]), counts, {"official": scores}, names).to_bytes()
    return [{"": content}, unpack_zip(content)]


def read_per_query(path):
    from vreid_bench.records.per_query import PerQuery

    found = PerQuery.from_file(path, ["official"])
    found.scores["official"].hits(5)
    return found


def made(*values):
    """Files of JSON with these values."""
    return lambda folder: [{"": json.dumps(value).encode()} for value in values]


def texts(*found):
    """These texts as files."""
    return lambda folder: [{"": text.encode()} for text in found]


def read_notes(path):
    """Everything beside a record in the folder of a run."""
    from vreid_bench.records.data_roots import read_data_roots
    from vreid_bench.records.planned_run import read_planned_run
    from vreid_bench.system.event_log import read_fault
    from vreid_bench.system.meter import read_costs

    content = path.read_bytes()
    for name in ("plan.json", "data.json"):
        (path.parent / name).write_bytes(content)
    read_planned_run(path.parent)
    read_data_roots(path.parent)
    read_costs(path)
    read_fault(path)


NOTES = made(
    {"method": "a", "preset": "small", "protocol": "mars", "data": "mars@official", "seed": 0, "differs": ["x=1"]},
    {"mars": "/data/mars"},
    {"train": {"seconds": 1.5, "frames": 2.0, "bytes": 3.0}},
)
BREAKDOWN = made({"official": {"by_length": [{"name": "short", "mAP": 0.5}]}, "torchreid": {}})
LOG = texts('{"stage": 0, "step": 1, "loss": 0.5}\n{"stage": 0, "step": 2, "validation.steps": 2, "mAP": 0.5}\n')


def read_log(path):
    from vreid_bench.reporting.page.run_data import read_log as read
    from vreid_bench.training.checkpoint import Position
    from vreid_bench.training.log import StepLog, read_validations

    with suppress(InputError):
        read_validations(path)
    with suppress(InputError):
        read(path)
    StepLog(path).rewind(Position(0, 2))


def read_breakdown(path):
    from vreid_bench.reporting.page.run_data import _read_breakdown

    return _read_breakdown(path, "official")


# texts that people write


def shipped(pattern):
    """Files of this repository, the shortest first."""
    return lambda folder: [{"": path.read_bytes()[:20_000]} for path in sorted(TREES.glob(pattern))]


BOARD = (
    'says = "one"\n[[rows]]\nprotocols = ["mars"]\nmethods = ["a", "b"]\nseeds = [0, 2]\npreset = "small"\n'
    'settings = ["test.T=8"]\nrerank = "zhong"\n'
)
CLAIM = (
    'paper = "A paper"\n[[claim]]\nsays = "good"\nwhere = "Table 1"\nprotocol = "mars"\nmetric = "mAP"\n'
    'better = "good"\nworse = {method = "bad", settings = {T = 8}}\nsettings = {margin = 0.3}\nprinted = [80, 70.5]\n'
    '[[unjudged]]\nsays = "x"\nwhere = "y"\nwhy = "z"\n'
)
PRINTED = (
    'paper = "A paper"\n[[table]]\nnumber = "1"\ncaption = "c"\ncolumns = [{ mars = "mAP R1" }]\n'
    '[[table.rows]]\nlabel = "ours"\nmethod = "good"\nprinted = "80.0 70.0"\n'
)
CONVENTION = (
    'name = "own"\nap = "step"\njunk = "same-camera"\nunmatched = "leave-out"\nqueries_in_gallery = true\n'
    'summary = "x"\n'
)


def read_board(path):
    from vreid_bench.boards.board_file import read_boards

    return read_boards(path.parent, [str(path)])


def read_claims(path):
    from vreid_bench.reporting.claims import _read

    return _read(path)


def read_printed(path):
    from vreid_bench.reporting.printed_tables import read_papers

    return read_papers(path.parent)


def read_convention(path):
    from vreid_bench.scoring.conventions import read_convention as read

    return read(path)


def read_settings(folder, parts):
    """`--set`: each line of the file is one assignment."""
    method, registry = own_method()
    from vreid_bench.registry.assignments import override, parse_part

    for line in parts.get("", b"").decode(errors="replace").split("\n"):
        for read in (partial(override, method, [line], registry), partial(parse_part, "aggregators", line, registry)):
            with suppress(InputError):
                read()


@cache
def own_method():
    """A method of the shipped ones, resolved."""
    from vreid_bench.planning.method import choose_recipe
    from vreid_bench.registry.registry import Registry

    registry = Registry.installed()
    return choose_recipe(registry, "personvlad", "small")[2], registry


SETTINGS = texts(
    *("margin=0.2", "size=64x32", "size=[64,32]", "aggregator=mean", 'augment=["flip"]', "stages.0.steps=5 epochs"),
    *("losses.triplet.margin=0.3", 'aggregator={"name":"mean","options":{}}', "stages.0.lr=1e-3", "test.T=8"),
    *("encoder=resnet:depth=18,stride=1", "stages.0.losses={}", "stages.0.train=[]", "matcher=null", "seed=1"),
)


# data sets: every index file of a small tree; frames stay as they are


def tree_of(layout, root):
    """A small tree without any fault."""
    import two_cameras

    simple = {
        "ag-vpreid": "ag_vpreid_tree",
        "buptcampus": "bupt_tree",
        "ccvid": "ccvid_tree",
        "detreidx": "detreidx_tree",
        "hitsz-vcm": "hitsz_tree",
        "ls-vid": "ls_vid_tree",
        "mevid": "mevid_tree",
        "p-destre": "p_destre_tree",
        "vccr": "vccr_tree",
    }
    if layout in simple:
        root.mkdir()
        tree = __import__(simple[layout]).Tree(root)
        return tree.write() if hasattr(tree, "write") else tree
    root.mkdir()
    if layout == "mars":
        import mars_tree

        shutil.rmtree(root)
        return mars_tree.make_tree(root)
    if layout == "duke-video":
        import duke_tree

        shutil.rmtree(root)
        return duke_tree.write_tree(root)
    if layout == "ilids-vid":
        return two_cameras.ilids(root)
    if layout == "prid2011":
        two_cameras.prid(root)
        return two_cameras.write_lists(root)
    if layout == "tracklets":
        from tracklets_tree import FRAMES, ROWS, write

        for folder, names in FRAMES.items():
            for name in names:
                two_cameras.put(root / folder / name)
        return write(root, ROWS)
    from mot_tree import walk, write_sequence

    write_sequence(root, "one", walk(1, range(1, 13)) + walk(2, range(1, 13), y=9.0))
    return None


LAYOUTS = (
    *("mars", "ilids-vid", "prid2011", "duke-video", "ls-vid", "ccvid", "vccr", "mevid", "p-destre", "ag-vpreid"),
    *("buptcampus", "detreidx", "hitsz-vcm", "tracklets", "mot"),
)
PICTURES = (".jpg", ".png", ".jpeg")
SYNTHETIC = b'{"expected": {"train_tracklets": 3}, "world": {"name": "x"}, "plan_hash": "0"}'


def layout(name):
    """The reader of a layout, on a tree in which one index file or the renderer's note was changed."""
    from vreid_bench.contracts.dataset import SYNTHETIC as NOTE

    root_name = "tree"

    def make(folder):
        tree_of(name, folder / root_name)
        files = [path for path in sorted((folder / root_name).rglob("*")) if path.is_file()]
        files = [path for path in files if path.suffix not in PICTURES]
        index = {str(path.relative_to(folder / root_name)): path.read_bytes() for path in files}
        npz = io.BytesIO()
        np.savez(npz, visibility=np.ones(4))
        rendered = {NOTE: SYNTHETIC, ANNOTATIONS: npz.getvalue()}
        return [index, index | rendered, {NOTE: SYNTHETIC}, rendered] if index else [rendered, {NOTE: SYNTHETIC}]

    return Parser(make, partial(read_layout, name), 20, apart=False)


@cache
def reader_of(name):
    from vreid_bench.registry.registry import Registry

    return Registry.installed().get("datasets", name)


def read_layout(name, folder, parts):
    """Read the tree with these files in it, and put it right again; without the threads that look at frames."""
    from vreid_bench.contracts.dataset import mark_synthetic
    from vreid_plugins.datasets import frame_check

    root = folder / "tree"
    before = {path: (root / path).read_bytes() if (root / path).exists() else None for path in parts}
    for path, content in parts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    in_turn = patch.object(frame_check, "prefetch", lambda jobs, work, *_: map(work, jobs))
    try:
        reader = reader_of(name)
        in_turn.start()
        if name == "mot":
            read_mot(root)
        else:
            with suppress(InputError):
                mark_synthetic(reader.read(root))
            if hasattr(reader, "read_roles"):
                reader.read_roles(root)
            if hasattr(reader, "verify"):
                reader.verify(root)
    finally:
        patch.stopall()
        for path, content in before.items():
            (root / path).unlink(missing_ok=True) if content is None else (root / path).write_bytes(content)


def read_mot(root):
    from vreid_plugins.datasets.fault_report import stop
    from vreid_plugins.datasets.mot.plan import Cutting, plan_tracklets

    plan_tracklets(root, Cutting(), stop, None)


def lists(name, read, *found, short=40):
    """One list of a data set as a file: `read(path, report)` with a report that raises and one that goes on."""

    def both(path):
        from vreid_plugins.datasets.fault_report import ignore, stop

        read(path, ignore)
        read(path, stop)

    return Parser(texts(*found), as_file(both, name), short)


def read_entries(path, report):
    from vreid_plugins.datasets.text_lists import check_repeats, read_list

    check_repeats(read_list(path, "session1/001_01 001 u0_l0", report), report)


def read_rows(path, report):
    from vreid_plugins.datasets.number_tables import read_numbers

    read_numbers(path, "0 1 2 3 4", "copy it again", report)


def read_boxes(path, report):
    from vreid_plugins.datasets.mot.text import read_tracks

    read_tracks(path, report)


def read_info(path, report):
    from vreid_plugins.datasets.mot.sequences import parse_rate, read_info

    parse_rate(path, read_info(path, report).get("framerate", ""), report)


def read_bupt(path, report):
    from vreid_plugins.datasets.buptcampus.paths import read_paths

    read_paths(path.parent, report)


def read_people(path, report):
    from vreid_plugins.datasets.half_splits import read_lists

    read_lists(path.parent, path.name, range(1, 5), lambda person: f"person_{person:04d}", report)


def read_table(path, report):
    from vreid_plugins.datasets.tracklets.index import load

    load(path.parent, report)


def read_note(path, report):
    from vreid_bench.contracts.dataset import Dataset, mark_synthetic
    from vreid_plugins.datasets.synthetic_note import read_counts, world_name

    read_counts(path.parent, report)
    world_name(path.parent)
    mark_synthetic(Dataset("x", path.parent, (), "unverified"))


def read_shown(path):
    from vreid_plugins.datasets.fault_report import ignore
    from vreid_plugins.datasets.synthetic_note import read_visibility

    read_visibility(path.parent, ["a", "b", "c", "d"], ignore)


def make_shown(folder):
    buffer = io.BytesIO()
    np.savez(buffer, visibility=np.ones(4))
    return [{"": buffer.getvalue()}, unpack_zip(buffer.getvalue())]


def make_matrices(folder):
    from scipy.io import savemat

    for packed in (False, True):
        savemat(folder / f"{packed}.mat", {"m": np.arange(12.0).reshape(3, 4), "t": "x"}, do_compression=packed)
    return [{"": (folder / f"{packed}.mat").read_bytes()} for packed in (False, True)]


def read_index(path):
    from vreid_plugins.datasets.fault_report import ignore
    from vreid_plugins.datasets.matlab import load_matrix

    load_matrix(path, "m", (None, 4), "copy it again", ignore)


def read_frame(path):
    from vreid_bench.modeling.frames import read_frame as read

    return read(path)


def make_pictures(folder):
    from PIL import Image

    found = []
    for kind in ("JPEG", "PNG", "BMP", "TIFF", "WEBP"):
        buffer = io.BytesIO()
        Image.fromarray(np.arange(16 * 8 * 3, dtype=np.uint8).reshape(16, 8, 3)).save(buffer, kind)
        found.append({"": buffer.getvalue()})
    return found


def make_rankings(folder):
    from brought_files import world
    from ranking_files import write_ag_vpreid_ranking, write_grew, write_hid, write_trec, write_vreid_xfd

    found = []
    for write in (write_ag_vpreid_ranking, write_vreid_xfd, write_grew, write_hid, write_trec):
        (folder / write.__name__).mkdir()
        w = world(gallery=6, people=2)
        paths = [each for each in write(folder / write.__name__, w) if isinstance(each, Path)]
        found += [{"": path.read_bytes()} for path in paths]
    return found


def read_ranking(path):
    from vreid_bench.importing.rankings import read_ranking as read

    return read(path)


def read_matrix(path):
    from vreid_bench.scoring.array_files import read_matrix as read

    return read(path)


def brought_parser(*names, packed=False):
    make = brought(*names)
    pack = pack_zip if packed else lambda parts: parts.get("", b"")
    return Parser(archives(make) if packed else make, as_file(read_brought, pack=pack))


PARSERS = {
    "npz": brought_parser("aliases", "names", "roles", packed=True),
    "torch": brought_parser("torch dict", "torch sides", packed=True),
    "mat": brought_parser("layumi"),
    "hdf5": brought_parser("HDF5", "MATLAB 7.3"),
    "csv": brought_parser("CSV", "CSV of texts"),
    "pickle": brought_parser("pickle"),
    "parquet": Parser(make_parquet, as_file(read_brought)),
    "npy": Parser(lambda folder: [{"": to_bytes(np.arange(12.0).reshape(3, 4))}], as_file(read_matrix)),
    "ranking": Parser(make_rankings, as_file(read_ranking)),
    "store": Parser(make_stores, as_file(read_store, "x.safetensors", seal_tensors)),
    "foreign store": Parser(make_stores, as_file(read_store, "x.safetensors", pack_tensors)),
    "checkpoint": Parser(make_checkpoints, as_file(read_checkpoint, "x.safetensors", seal_tensors)),
    **DECODERS,
    **GALLERIES,
    **KEPT_FILES,
    **TOGETHER,
    "record": Parser(make_records, as_file(read_record)),
    "per query": Parser(make_per_query, as_file(read_per_query, pack=pack_zip)),
    "notes": Parser(NOTES, as_file(read_notes)),
    "log": Parser(LOG, as_file(read_log)),
    "breakdown": Parser(BREAKDOWN, as_file(read_breakdown)),
    "board": Parser(texts(BOARD), as_file(read_board, "x.toml")),
    "claims": Parser(texts(CLAIM), as_file(read_claims, "x.toml")),
    "printed tables": Parser(texts(PRINTED), as_file(read_printed, "x.toml")),
    "convention": Parser(texts(CONVENTION), as_file(read_convention, "x.toml")),
    "set": Parser(SETTINGS, read_settings),
    "frame": Parser(make_pictures, as_file(read_frame)),
    "list of tracklets": lists("a.txt", read_entries, "session1/001_01 001 u0_l0\nsession1/002_01 002 u1_l0\n"),
    "table of numbers": lists("a.txt", read_rows, "0 1 2 3 4\n1.0e+00 2 3 4 5\n"),
    "tracks": lists("a.txt", read_boxes, "1,1,10,20,30,40,1,-1,-1,-1\n2,1,11,20,30,40,1,-1,-1,-1\n"),
    "annotations": lists("gt/gt.txt", read_boxes, "1,1,10,20,30,40,1,1,0.5\n2,1,11,20,30,40,0,7,0.5\n"),
    "sequence": lists("seqinfo.ini", read_info, "[Sequence]\nname=one\nimDir=img1\nframeRate=30000/1001\n"),
    "paths": lists(
        "data_paths.json", read_bupt, '{"1": {"IR": {"CQ1": {"1": ["DATA/1/IR/CQ1/1_IR_CQ1_1_8535.jpg"]}}}}'
    ),
    "halves": lists(
        "a.json", read_people, json.dumps([{"test": ["person_0001", "person_0002"], "train": ["person_0003"]}] * 10)
    ),
    "tracklets.csv": lists(
        "tracklets.csv",
        read_table,
        "split,pid,camid,frames,outfit\ntrain,1,a,x/*.jpg,red\nquery,2,b,x,\ngallery,2,c,**\n",
    ),
    "synthetic.json": lists("synthetic.json", read_note, SYNTHETIC.decode()),
    "annotations.npz": Parser(make_shown, as_file(read_shown, ANNOTATIONS, pack_zip)),
    "index": Parser(make_matrices, as_file(read_index)),
    **{name: layout(name) for name in LAYOUTS},
}

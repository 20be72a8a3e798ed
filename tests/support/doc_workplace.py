"""The files that the commands of the documentation name, made small: a folder in which they can be run."""

import csv
import itertools
import json
import re
import shutil
from types import SimpleNamespace

import box_files
import brought_files
import frame_files
import mot_tree
import numpy as np
import ranking_files
import wildlife_files
from click.testing import CliRunner
from doc_blocks import BLOCKS
from PIL import Image
from places import LEADERBOARD, ROOT
from short_run import SHORT

from vreid_bench.cli.main import main

BOARDS = ("mars", "prid2011")  # of the small leaderboard: the rows of one method


def invoke(*words):
    """Run a command in this process; returns click's result."""
    return CliRunner().invoke(main, [str(word) for word in words], prog_name="vreid-bench")


def make_workplace(folder, finished_runs, mars):
    """Fill a folder with runs of two methods, and with a small leaderboard under the names that the pages use."""
    shutil.copytree(finished_runs, folder / "runs")
    words = ("run", "--plugin", "max-pooling", "--data", mars, "--runs", folder / "runs")
    done = invoke(*words, *SHORT, "--quiet")
    assert done.exit_code == 0, done.output
    board = folder / "leaderboard"
    for name in BOARDS:
        records = sorted((LEADERBOARD / "records" / name / "synthetic").glob("mean-pooling-small-seed?.json"))
        (board / "records" / name / "synthetic").mkdir(parents=True)
        for record in records:
            shutil.copy(record, board / "records" / name / "synthetic")
    shutil.copytree(LEADERBOARD / "claims", board / "claims")
    (board / "boards").mkdir()
    rows = '[[rows]]\nprotocols = ["prid2011"]\nmethods = ["mean-pooling"]\n'
    (board / "boards/papers.toml").write_text(f'says = "a row that is there"\n{rows}')
    assert invoke("leaderboard", "--dir", folder / "leaderboard").exit_code == 0
    for name in ("before", "fresh", "mine"):
        shutil.copytree(folder / "leaderboard", folder / name)


def write_scores(folder):
    """What `score` and `export` read and write: a file of each program that the pages name."""
    world = brought_files.world()
    brought_files.write_layumi(folder, world)
    brought_files.write_mevid(folder, world)
    brought_files.write_distances(folder, world)
    for name in ("query", "gallery", "distance"):
        own = next(folder.glob(f"own-{name}.np?"))
        own.rename(folder / f"{name[0]}{own.suffix}")
    for number in range(2):
        with np.load(folder / "g.npz") as gallery:
            half = slice(30 * number, 30 * number + 30)
            arrays = {key: gallery[key][half] for key in ("embedding", "pid", "camid")}
        np.savez(folder / f"shard-{number}.npz", **arrays)


def write_qf_gf(folder):
    """Features alone, and a table of labels."""
    brought_files.write_qf_gf(folder, brought_files.world())


def write_boxes(folder):
    """A row and a vector for each box, in Parquet."""
    import pyarrow.csv
    import pyarrow.parquet

    box_files.write_boxes(folder, box_files.boxed_world())
    table = pyarrow.csv.read_csv(folder / "boxes.csv")
    vectors = [json.loads(text) for text in table["embedding"].to_pylist()]
    at = table.column_names.index("embedding")
    pyarrow.parquet.write_table(table.set_column(at, "embedding", pyarrow.array(vectors)), folder / "boxes.parquet")


def write_wildlife(folder):
    wildlife_files.write_wildlife(folder, brought_files.world())


def write_index(folder):
    """Features without labels, and MARS's own index."""
    world = frame_files.framed_world()
    pairs = world.query.pid * 10 + world.query.camid
    once = np.sort(np.unique(pairs, return_index=True)[1])  # MARS has one query of a person in a camera
    world.query = SimpleNamespace(**{name: values[once] for name, values in vars(world.query).items()})
    brought_files.write_qf_gf(folder, world)
    (folder / "MARS/info").mkdir(parents=True, exist_ok=True)
    frame_files.write_index(folder / "MARS/info", world)
    np.savez(folder / "test.npz", embedding=world.gallery.features)


def write_ranking(folder):
    """A ranking with a table of labels, and a run of TREC."""
    world = brought_files.world()
    words = ranking_files.write_ag_vpreid_ranking(folder, world)
    words[1].rename(folder / "r.csv")
    words[2].rename(folder / "labels.csv")
    ranking_files.write_trec(folder, world)


def write_outfits(folder):
    """Features with outfits and places, and the convention of docs/scoring.md."""
    random = np.random.default_rng(0)
    with (folder / "features.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["role", "pid", "camid", "outfit", "place", "e0", "e1", "e2"])
        for row in range(60):
            role = "query" if row < 15 else "gallery"
            place = ("outdoor", "indoor")[row % 2]
            lines.writerow([role, 1 + row % 5, row % 3, row % 4, place, *map(float, random.standard_normal(3))])


def write_own_data(folder):
    """The tracklets of docs/own-data.md: eight frames each, of people in colours of their own."""
    if (folder / "my-data/frames").exists():
        return
    [listed] = [each for each in BLOCKS[ROOT / "docs/own-data.md"] if each.file == "my-data/tracklets.csv"]
    (folder / "my-data").mkdir(exist_ok=True)
    (folder / listed.file).write_text(listed.text)
    for person, colour in (("anna", 40), ("carl", 120), ("ben", 200)):
        for camera in ("hall", "door"):
            frames = folder / "my-data/frames" / person / camera
            frames.mkdir(parents=True)
            for number in range(8):
                shade = colour + 5 * number + (3 if camera == "hall" else 0)
                Image.new("RGB", (16, 32), (shade, 255 - shade, number * 9)).save(frames / f"{number}.jpg")


def write_foyer(folder):
    """The data of docs/write-a-plugin.md, "Several splits": six people in three cameras, with three frames each."""
    for person, camera, number in itertools.product(range(1, 7), range(1, 4), range(9, 12)):
        frames = folder / "foyer" / str(person) / str(camera)
        frames.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((16, 32), 10 * person + camera).convert("RGB").save(frames / f"{number}.jpg")


def write_tracks(folder):
    """Two sequences in the layout of MOTChallenge, and tracks of another tracker."""
    if (folder / "my-tracks").exists():
        return
    walks = mot_tree.walk(1, range(1, 41)) + mot_tree.walk(2, range(1, 41), y=20.0)
    mot_tree.write_sequence(folder / "my-tracks", "door", walks, frames=40)
    mot_tree.write_sequence(folder / "MOT17/train", "MOT17-02", walks, frames=40)
    mot_tree.write_text(folder / "my-tracker/MOT17/MOT17-02.txt", walks)


def write_features(folder):
    """The features of a run, as in its folder."""
    [found, *_] = sorted(folder.glob("runs/*/features.safetensors"))
    shutil.copy(found, folder)


# What has to lie in the folder of a command, by the command; each is made in a folder of the block's own.
FILES = {
    r"score qf\.pt gf\.pt labels": write_qf_gf,
    r"score boxes\.parquet": write_boxes,
    r"score query\.pkl": write_wildlife,
    r"--info MARS/info": write_index,
    r"score --ranking": write_ranking,
    r"score features\.csv": write_outfits,
    r"score |export ": write_scores,
    r"my-tracks|my-tracker": write_tracks,
    r"--data my-data": write_own_data,
    r"--data foyer": write_foyer,
    r"^import json\n.*features\.safetensors": write_features,
}


def prepare(folder, command):
    """Write the files that a command names, unless the page has them made already."""
    for pattern, write in FILES.items():
        if re.search(pattern, command, re.DOTALL):
            for path in folder.glob("labels.csv"):  # of another form
                path.unlink()
            write(folder)
            return

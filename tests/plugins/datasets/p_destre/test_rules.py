"""The score of P-DESTRE on 1,000 random worlds, against the published rule restated on the texts of its names."""

from dataclasses import replace

import numpy as np
from oracle import by_hand

from vreid_bench import Compared, Having
from vreid_bench.scoring import conventions
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets.p_destre.index import Folder, make_split, make_tracklets
from vreid_plugins.datasets.p_destre.lists import Division
from vreid_plugins.datasets.p_destre.names import SequenceName
from vreid_plugins.datasets.p_destre.reader import vreid_protocols

DAYS, FLIGHTS, CLIPS = ("08-11-2019", "12-11-2019"), "12", ("1", "2", "3", "b", "11")


def draw_world(random):
    """The folders of some sequences, and a division whose query and gallery lists may overlap."""
    names = [f"{day}-{flight}-{clip}" for day in DAYS for flight in FLIGHTS for clip in CLIPS if random.random() < 0.6]
    folders = []
    for name in names:
        for number in range(1, 6):
            if random.random() < 0.5:
                frames = tuple(f"{number}_{n}.jpg" for n in range(int(random.integers(0, 3))))
                folders.append(Folder(SequenceName(name), number, f"{name}/{number}", frames, (), ()))
    order = random.permutation(names).tolist()
    cut = int(random.integers(0, len(order) + 1))
    query, gallery = order[:cut], order[cut:]
    gallery += [name for name in query if random.random() < 0.15]
    return folders, Division(0, {"Train": (), "Query": tuple(query), "Gallery": tuple(gallery)})


def split_of(folders, division):
    """As `load` makes it."""
    by_sequence = {name: [] for name in division.sequences}
    for folder, tracklet in make_tracklets(folders):
        by_sequence[folder.sequence.text].append(tracklet)
    return make_split(division, by_sequence)


def items(folders, names):
    """(person, camera, folder) of each folder with frames, as the published loader makes texts of names."""
    found = []
    for name in names:
        for folder in folders:
            if folder.sequence.text == name and folder.frames:
                person = "".join(f"{name[:-2]}-{folder.path.rpartition('/')[2]}".split("-"))
                found.append((person, name[-1], folder.path))
    return found


def average_precision(query, gallery, distances):
    """Step AP of one query: the person in the query's camera takes no rank; None without a match."""
    person, camera, _ = query
    ranking = sorted(
        (distance, place, who == person)
        for place, ((who, where, _), distance) in enumerate(zip(gallery, distances, strict=True))
        if (who, where) != (person, camera)
    )
    hits = [same for _, _, same in ranking]
    precisions = [sum(hits[:rank]) / rank for rank, hit in enumerate(hits, start=1) if hit]
    return sum(precisions) / len(precisions) if precisions else None


def test_a_thousand_worlds_agree_with_the_published_rule_on_texts():
    """Distances are small whole numbers, so that ties are frequent: the gallery's order decides them."""
    random = np.random.default_rng(1300)
    rule = conventions.vreid_conventions()[vreid_protocols()["p-destre"].headline]
    scored, junk = 0, 0
    for _ in range(1000):
        folders, division = draw_world(random)
        query, gallery = (items(folders, division.lists[part]) for part in ("Query", "Gallery"))
        split = split_of(folders, division)
        for listed, rows in ((query, split.query), (gallery, split.gallery)):
            assert [path for *_, path in listed] == [split.test[row].name.rpartition("/")[0] for row in rows]
        if not query or not gallery:
            continue
        distances = random.integers(0, 9, (len(query), len(gallery))).astype(np.float32)
        expected = [average_precision(q, gallery, row) for q, row in zip(query, distances.tolist(), strict=True)]
        labels = Labels.of(split)
        counts = count_from_distances([(slice(None), distances)], labels)
        junk += sum((who, where) == q[:2] for q in query for who, where, _ in gallery)
        try:
            got = judge(counts, [rule])[rule.name]
        except InputError:
            assert expected == [None] * len(query)
            continue
        nan = [float("nan") if each is None else each for each in expected]
        np.testing.assert_allclose(got.average_precision, nan, rtol=1e-12)
        check_by_hand(distances, labels, rule, got)
        scored += sum(each is not None for each in expected)
    assert scored > 2000
    assert junk > 1000


def check_by_hand(distances, labels, rule, got):
    """All scores against those of the rules in words."""
    average, first, penalty, precision = (np.array(c) for c in zip(*by_hand(distances, labels, rule), strict=True))
    np.testing.assert_allclose(got.average_precision, average, rtol=1e-12)
    np.testing.assert_array_equal(got.first_rank, first)
    np.testing.assert_allclose(got.inverse_penalty, penalty, rtol=1e-12)
    np.testing.assert_allclose(got.r_precision, precision, rtol=1e-12)


def draw_rule(random):
    """A convention of somebody's own on the attributes of this data set, which every tracklet tells."""
    days = tuple(Having("day", (day,)) for day in DAYS)
    return replace(
        conventions.vreid_conventions()["gallery-as-listed"],
        match=(Compared("day", ["same", "other"][random.integers(2)]),) if random.random() < 0.3 else (),
        query=(days[random.integers(2)],) if random.random() < 0.5 else (),
        gallery=(Having("session", ("08-11-2019-1", "12-11-2019-2")),) if random.random() < 0.3 else (),
        same_camera=["junk", "match"][random.integers(2)],
        least_frames=int(random.integers(3)),
        cut=int(random.choice([0, 1, 3])),
    )


def test_a_thousand_worlds_agree_with_rules_by_day_and_session_in_words():
    random = np.random.default_rng(1301)
    scored = 0
    for _ in range(1000):
        folders, division = draw_world(random)
        split, rule = split_of(folders, division), draw_rule(random)
        if not split.query or not split.gallery:
            continue
        labels = Labels.of(split).for_conventions([rule])
        distances = random.integers(0, 9, (len(split.query), len(split.gallery))).astype(np.float32)
        distances = distances[:, [split.gallery.index(row) for row in labels.gallery]]
        try:
            got = judge(count_from_distances([(slice(None), distances)], labels), [rule])[rule.name]
        except InputError:
            assert all(np.isnan(average) for average, *_ in by_hand(distances, labels, rule))
            continue
        check_by_hand(distances, labels, rule, got)
        scored += np.isfinite(got.average_precision).sum()
    assert scored > 500

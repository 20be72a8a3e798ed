"""`mars-half`: ten random halves of the training people, of which one trains and the other is tested."""

from mars_tree import TRAIN, Tree

from vreid_bench import Selection, Split, Tracklet, person_ids
from vreid_bench.contracts.dataset import VariantReader
from vreid_plugins.datasets.mars import reader
from vreid_plugins.datasets.mars.halves import divide_halves
from vreid_plugins.datasets.mars.reader import Mars


def tracklet(pid: int, camera: int, take: int = 1) -> Tracklet:
    return Tracklet((f"{pid}-{camera}-{take}.jpg",), pid, camera)


# twice in camera 1 and once in camera 2, but person 9 in camera 1 alone
TRAINING = tuple(
    tracklet(pid, *place) for pid in range(1, 10) for place in ((1, 1), (1, 2), *(((2, 1),) if pid < 9 else ()))
)
WHOLE = Split(TRAINING, (tracklet(20, 1), tracklet(20, 2)), (0,), (0, 1))


def test_each_of_ten_draws_trains_on_a_half_of_the_people_and_tests_the_other() -> None:
    splits = divide_halves(WHOLE)
    assert len(splits) == 10
    for split in splits:
        trained, tested = person_ids(split.train), person_ids(split.test)
        assert (len(trained), len(tested)) == (5, 4)
        assert sorted(trained + tested) == list(range(1, 10))  # nobody twice, and nobody of the test part
        assert {t.pid for t in split.train} == set(trained)
        assert len(split.train) + len(split.test) == len(TRAINING)
    assert len({tuple(person_ids(split.test)) for split in splits}) > 5
    times = [sum(pid in person_ids(split.test) for split in splits) for pid in range(1, 10)]
    assert all(1 <= count <= 8 for count in times), times  # of 10, each with probability 4 / 9


def test_the_draws_are_the_same_on_every_machine() -> None:
    assert [person_ids(split.test) for split in divide_halves(WHOLE)[:3]] == [[1, 5, 6, 9], [2, 4, 7, 8], [2, 3, 4, 7]]


def test_a_held_out_person_asks_once_in_each_camera_if_there_are_two() -> None:
    for split in divide_halves(WHOLE):
        asked = [split.test[row] for row in split.query]
        expected = [tracklet(pid, camera) for pid in person_ids(split.test) if pid != 9 for camera in (1, 2)]
        assert sorted(asked) == sorted(expected)
        assert split.gallery == tuple(range(len(split.test)))


def test_the_reader_divides_into_halves_when_asked(tree: Tree) -> None:
    assert isinstance(Mars(), VariantReader)
    halves = Mars().read(tree.root, "halves")
    people = sorted({pid for pid, _, _ in TRAIN})
    assert all(sorted(person_ids(s.train) + person_ids(s.test)) == people for s in halves.splits)
    assert Mars().read(tree.root, "published") == Mars().read(tree.root)


def test_a_probe_is_drawn_and_the_gallery_is_the_mean_of_all() -> None:
    """The setting of the paper's Table II that its other tables use."""
    protocol = reader.vreid_protocols()["mars-half"]
    assert isinstance(protocol.test, Selection)
    assert (protocol.test.pairs, protocol.test.repeats) == ((("random", "all"),), 10)
    assert protocol.counts == {"train identities": 313, "splits": 10}
    assert len(person_ids(divide_halves(Split(people(625), (), (), ()))[0].train)) == 313


def people(count: int) -> tuple[Tracklet, ...]:
    return tuple(tracklet(pid, camera) for pid in range(1, count + 1) for camera in (1, 2))

"""Tasks of Ray: a cluster of two nodes on this machine, one of which is killed."""

import os

import numpy as np
import pytest
import ray
from allotment import wait_for
from gallery_parts import Array, Damaged, DeadlyOnce
from places import TESTS
from ray.cluster_utils import Cluster

from vreid_bench import InputError, RunError
from vreid_bench.scoring.ranks.by_parts import Known, count_from_parts
from vreid_bench.scoring.ranks.by_workers import SharedGallery
from vreid_plugins.executors import ray_cluster

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
JOBS = [[("run",)]]
SETTINGS = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}  # no token in the user's home, no report


@pytest.fixture(scope="module")
def cluster(new_board, tmp_path_factory):
    """Two nodes, whose tasks can import what the tasks of all tests are made of."""
    variables = new_board(tmp_path_factory.mktemp("any")).variables | SETTINGS
    variables["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], str(TESTS / "support")])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():  # of the nodes, and so of their tasks
            patch.setenv(name, value)
        cluster = Cluster(initialize_head=True, head_node_args=NODE)
        try:
            cluster.other = cluster.add_node(**NODE)
            cluster.wait_for_nodes()
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


@pytest.mark.slow
def test_a_gallery_is_counted_as_in_one_process_also_when_a_task_is_lost(cluster, tmp_path):
    random = np.random.default_rng(3)
    vectors = random.integers(1, 4, (400, 3)).astype(np.float32)  # many distances are equal
    pids, camids = random.integers(-1, 30, 400), random.integers(0, 4, 400)
    parts = [Array(*each) for each in zip(*(np.split(c, 8) for c in (vectors, pids, camids)), strict=True)]
    asked = np.flatnonzero((pids > 0) & (pids < 6))[::3]
    query, people = vectors[asked], np.unique(pids[asked])
    executor = ray_cluster.Ray(2, address=cluster.address, retries=1)
    deadly = [*parts[:3], DeadlyOnce(parts[3], tmp_path / "killed"), *parts[4:]]
    known = SharedGallery(deadly, executor, 2).find(people, np.float32)
    assert (tmp_path / "killed").exists()
    one = Known.of(parts, people, np.float32)
    assert all(np.array_equal(*pair) for pair in zip(known, one, strict=True))
    labels = one.label(query, pids[asked], camids[asked])
    counted = SharedGallery(parts, executor, 2).count(query, known, labels, "cosine")
    np.testing.assert_array_equal(
        counted.before, count_from_parts(query, parts, one, labels, "cosine").before, strict=True
    )
    with pytest.raises(InputError, match=r"^vectors-00001\.npy: has changed$"):
        SharedGallery([Damaged(*parts[0])], executor, 2).find(people, np.float32)
    never = ray_cluster.Ray(2, address=cluster.address, retries=0)
    with pytest.raises(RunError, match=r"executor ray: a task was lost 1 times \(WorkerCrashedError"):
        SharedGallery([DeadlyOnce(parts[0], tmp_path / "again")], never, 2).find(people, np.float32)
    assert never.cancel() == ""


@pytest.mark.slow
def test_a_killed_node_costs_its_running_tasks_alone_and_the_board_ends_complete(
    cluster, one_machine, board, board_scores
):
    with board.start("fill", "--executor", f"ray:address={cluster.address}", "--quiet") as process:
        wait_for(lambda: len([*board.folder.glob("runs/*/run.log")]) == 2)  # a task on each node
        cluster.remove_node(cluster.other, allow_graceful=False)
        _, told = process.communicate()
    assert process.returncode == 0, told
    begun = [file.read_text().count("INFO begins") for file in board.folder.glob("runs/*/run.log")]
    assert sorted(begun) == [1, 2]
    assert board_scores() == one_machine
    assert len(one_machine) == 2


def test_without_ray_or_a_cluster_it_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"Ray is not installed; `pip install vreid-bench\[ray\]`"):
        next(ray_cluster.Ray(None).run(JOBS, tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # as it is in a new command
    with pytest.raises(
        InputError, match=r"no connection to the cluster \(127.0.0.1:1\): .*refused.*`ray start --head`"
    ):
        next(ray_cluster.Ray(None, address="127.0.0.1:1").run(JOBS, tmp_path))

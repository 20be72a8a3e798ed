"""Tasks of Ray: a cluster of two nodes on this machine, one of which is killed."""

import pytest
from allotment import wait_for
from ray.cluster_utils import Cluster

from vreid_bench import InputError
from vreid_plugins.executors import ray_cluster

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
JOBS = [[("run",)]]
SETTINGS = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}  # no token in the user's home, no report


@pytest.mark.slow
def test_a_killed_node_costs_its_running_tasks_alone_and_the_board_ends_complete(
    one_machine, board, board_scores, monkeypatch
):
    for name, value in (board.variables | SETTINGS).items():  # of the nodes, and so of their tasks
        monkeypatch.setenv(name, value)
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        other = cluster.add_node(**NODE)
        cluster.wait_for_nodes()
        with board.start("fill", "--executor", f"ray:address={cluster.address}", "--quiet") as process:
            wait_for(lambda: len([*board.folder.glob("runs/*/run.log")]) == 2)  # a task on each node
            cluster.remove_node(other, allow_graceful=False)
            _, told = process.communicate()
        assert process.returncode == 0, told
    finally:
        cluster.shutdown()
    begun = [file.read_text().count("INFO begins") for file in board.folder.glob("runs/*/run.log")]
    assert sorted(begun) == [1, 2]
    assert board_scores() == one_machine
    assert len(one_machine) == 2


def test_without_ray_or_a_cluster_it_is_told_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(
        InputError, match=r"no connection to the cluster \(127.0.0.1:1\): .*refused.*`ray start --head`"
    ):
        next(ray_cluster.Ray(None, address="127.0.0.1:1").run(JOBS, tmp_path))
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"Ray is not installed; `pip install vreid-bench\[ray\]`"):
        next(ray_cluster.Ray(None).run(JOBS, tmp_path))

"""The model of a run ranks as the run did: against its stored vectors, and against its recorded ranks."""

import pytest
from opened_model import open_model

from vreid_bench.reporting.page.retrievals import choose_queries, rank_vectors, retrieve
from vreid_bench.reporting.page.run_data import read_run
from vreid_bench.system.errors import InputError

pytestmark = pytest.mark.slow


def test_the_model_of_a_run_ranks_as_its_stored_vectors_do(finished_run):
    run = read_run(finished_run, finished_run.parent)
    chosen = choose_queries(run)
    by_model, by_vectors = (
        retrieve(run, test, chosen) for test in (open_model(finished_run).rank(), rank_vectors(run))
    )
    for one, other in zip(by_model, by_vectors, strict=True):
        assert [item[:3] for item in one.items] == [item[:3] for item in other.items]
        assert [item.value for item in one.items] == pytest.approx([item.value for item in other.items])


@pytest.mark.parametrize("name", ["conditions", "selected", "reranked", "pairs", "splits"])
def test_every_query_finds_its_first_match_where_the_run_did(runs_of_kinds, name):
    run = read_run(runs_of_kinds / name, runs_of_kinds)
    test = open_model(runs_of_kinds / name).rank()
    places = run.first_ranking.nonzero()[0]
    everyone = [("best", number) for number in range(len(places))]
    for found, place in zip(retrieve(run, test, everyone), places, strict=True):
        assert (found.first_rank or 0) == run.scores.first_rank[place] + 1  # -1: it has no match


def test_pairs_of_clips_have_a_similarity_and_a_reranked_run_a_distance(runs_of_kinds):
    """What the distances of clips in pairs are is 1 less the mean of cosines; after re-ranking they are no cosines."""
    for name, similarity in (("pairs", True), ("reranked", False), ("plain", False)):
        assert open_model(runs_of_kinds / name).rank().similarity == similarity


def test_data_that_is_gone_is_told_and_no_twin_is_rendered_for_it(finished_run):
    (finished_run / "data.json").write_text('{"mars": "/nowhere"}')
    with pytest.raises(InputError, match=r"^/nowhere: the run used this copy of mars, which is gone; .* --no-figures$"):
        open_model(finished_run)
    (finished_run / "data.json").unlink()
    with pytest.raises(InputError, match=r"does not say where its mars data was; name it with --data; or let .*$"):
        open_model(finished_run)

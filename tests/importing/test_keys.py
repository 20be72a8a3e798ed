"""Keys of other programs and what they mean."""

import pytest

from vreid_bench.importing.keys import find_side, recognise_key


@pytest.mark.parametrize(
    ("keys", "side", "kind"),
    [
        (
            "qf query_f query_feat q_feats qfeats queryFeatures feats_query query.feat query_feats_rgb2ir probe_emb",
            "query",
            "embedding",
        ),
        ("gf gallery_f gallery_features g_embeddings galleryFeat gallery_feats_vis", "gallery", "embedding"),
        (
            "q_pids query_label query_labels query_pids qpids query.pid query_ids queryLabel q_person_ids",
            "query",
            "pid",
        ),
        ("g_camids gallery_cam gallery_cams gallery_camids gallery_cids g_cam_ids gallery.camid", "gallery", "camid"),
        ("query_tracklet_names q_tracklets query_names query_paths", "query", "tracklet"),
        ("q_oids query_clothes_ids", "query", "outfit"),
        ("query.attribute.zone q_attribute.zone query_attribute_zone", "query", "attribute.zone"),
        ("gallery.attribute.zone g_attribute_zone", "gallery", "attribute.zone"),
        ("attribute.zone", "", "attribute.zone"),
        ("attribute.height", "", "attribute.height"),
        ("q_altitude query.altitudes", "query", "altitude"),
        ("mquery_f", "multi", "embedding"),
        ("mquery_cam", "multi", "camid"),
        ("distmat dist distance_matrix distMat dist_mat distances", "", "distance"),
        ("similarity sim simmat similarity_matrix", "", "similarity"),
        ("feat features embedding ide_feat_test", "", "embedding"),
        ("pid label person_id", "", "pid"),
        ("track_test_info", "", "spans"),
        ("query_IDX", "", "query_rows"),
    ],
)
def test_keys_have_the_meaning_that_their_programs_give_them(keys, side, kind):
    for key in keys.split():
        assert recognise_key(key) == (side, kind), key


@pytest.mark.parametrize("key", ["height", "q_height", "gallery_heights"])
def test_a_height_is_not_guessed_to_be_that_of_a_drone(key):
    assert recognise_key(key) is None


@pytest.mark.parametrize("key", ["", "epoch", "rank1", "conv1.weight", "optimizer", "q", "gallery", "x_17", "query"])
def test_other_keys_mean_nothing(key):
    found = recognise_key(key)
    assert found is None or key == "conv1.weight", found


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("query_features", "query"),
        ("gallery", "gallery"),
        ("featuresQuery", "query"),
        ("test", ""),
        ("query_gallery", ""),
    ],
)
def test_the_name_of_a_file_may_say_its_side(name, side):
    assert find_side(name) == side

"""Checkpoints of OpenGait are told apart by their published names, and refused in a sentence that says what to do."""

import pytest
import torch
from checkpoint_files import save_as_opengait
from checkpoint_models import open_file

from vreid_bench import InputError

SEEN = {  # names of each network's files with small shapes, and what it is called
    "GaitBase": ("Backbone.forward_block.conv1.weight", "FCs.fc_bin", "BNNecks.fc_bin", "BNNecks.bn1d.running_mean"),
    "DeepGaitV2": ("layer0.forward_block.0.weight", "FCs.fc_bin", "BNNecks.fc_bin", "BNNecks.bn1d.running_mean"),
    "GaitSet": ("set_block1.forward_block.0.conv.weight", "Head.fc_bin"),
    "GaitPart": ("TFA.pooling_func.conv1d3x1.0.0.conv.weight", "Backbone.forward_block.a.weight", "Head.fc_bin"),
    "GaitGL": ("GLConvA0.global_conv3d.conv3d.weight", "LTA.0.conv3d.weight", "Head0.fc_bin"),
    "BigGait": ("Denoising_Branch.down_sampling.0.weight", "Mask_Branch.down_sampling.weight", "gait_net.a.weight"),
    "BiggerGait": ("HumanSpace_Conv.0.1.weight", "Mask_Branch.down_sampling.weight", "Backbone.forward_block.a"),
    "FoundationGait": ("teacher_backbone.layer0.forward_block.0.weight", "FCs.fc_bin", "BNNecks.fc_bin"),
    "a network": ("Branch.a.weight", "Head.fc_bin"),
}


@pytest.mark.parametrize("name", SEEN)
def test_each_network_is_called_by_its_name(tmp_path, name):
    state = {each: torch.zeros(3, 5) for each in SEEN[name]}
    if name in ("BigGait", "BiggerGait"):
        state["Mask_Branch.up_sampling.weight"] = torch.zeros(3, 5)
    learned = 15 * sum("running" not in each for each in state)
    save_as_opengait(tmp_path / "net-60000.pt", state)
    with pytest.raises(InputError) as caught:
        open_file("opengait", tmp_path / "net-60000.pt")
    told = str(caught.value)
    found = f"found {name} of OpenGait with {learned} parameters, saved at iteration 60000, which reads "
    assert told.startswith(f"--checkpoint opengait:{tmp_path / 'net-60000.pt'}: {found}")
    assert ("colour frames through a frozen DINOv2" in told) == name.startswith("Big")
    assert ("reads silhouettes" in told) != name.startswith("Big")
    assert told.endswith("and score them with `vreid-bench score` (docs/scoring.md)")
    assert "\n" not in told


def test_without_an_iteration_none_is_told(tmp_path):
    torch.save({"FCs.fc_bin": torch.zeros(2, 3, 4), "BNNecks.fc_bin": torch.zeros(2, 4, 5)}, tmp_path / "a.pt")
    with pytest.raises(InputError, match="found a network of OpenGait with 64 parameters, which reads silhouettes"):
        open_file("opengait", tmp_path / "a.pt")


def test_another_family_is_told_what_the_file_is(tmp_path):
    save_as_opengait(tmp_path / "a-20.pt", {"Head.fc_bin": torch.zeros(2, 3, 4)})
    with pytest.raises(InputError, match="not of torchreid; it looks like opengait: --checkpoint opengait:"):
        open_file("torchreid", tmp_path / "a-20.pt")

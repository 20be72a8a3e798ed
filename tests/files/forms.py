"""The one table of what people bring: each form with its writer, the world that it holds, and its `.npz` twin.

`FORMS` are files that `vreid-bench score` reads, `CHECKPOINTS` those that `run --checkpoint` reads, and of the refused
ones there is what is told instead. Every file is made here; none is copied from the program that it is named after.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import box_files as boxes
import brought_files as brought
import checkpoint_files as checkpoints
import frame_files as frames
import numpy as np
import onnx_files as onnx
import ranking_files as rankings
import torch
import wildlife_files as wildlife

SCORES = ("mAP", "R1", "R5", "R10", "R20", "mINP", "queries", "cmc", "interval", "people", "r_precision")


@dataclass(frozen=True)
class Form:
    """One form. Writers get a folder and a world, and return the arguments of `vreid-bench score`."""

    origin: str  # who writes such files
    write: Callable[..., list[Any]]
    twin: Callable[..., list[Any]] = brought.write_npz
    world: Callable[..., Any] = brought.world
    scores: tuple[str, ...] = SCORES  # what the form can tell; equal to the twin's to the bit
    needs: str = ""  # a package that may be missing


FEATURES = {
    "layumi": "layumi/Person_reID_baseline_pytorch: pytorch_result.mat",
    "layumi as columns": "MATLAB programs: labels [N, 1], a column for each tracklet",
    "MATLAB 7.3": "MATLAB 7.3: HDF5 with the axes turned round",
    "BUPTCampus": "BUPTCampus: eight .pth",
    "qf and gf": "CLIP-ReID, VSLA-CLIP: qf.pt and gf.pt, labels beside them",
    "torch dict": "a script's torch.save, old format, with a NumPy scalar",
    "torch sides": "a script's torch.save, a file for each side",
    "aliases": "a script's numpy.savez with qf, q_pids, q_camids, ...",
    "two tensors": "a script's torch.save of a tensor for each side",
    "npy": "a script's numpy.save of each array",
    "HDF5": "a script's h5py",
    "CSV": "a table with a row for each tracklet",
    "CSV of texts": "a table with vectors as texts and semicolons",
    "pickle": "a script's pickle",
    "names": "people and cameras as texts",
    "roles": "one list, with the rows of each side",
    "numbered batches": "a script's file for each batch of queries, and of the gallery",
    "numbered batches of one list": "AG-VPReID, TF-CLIP: feat_0.pt, feat_1.pt, ...",
}
MATRICES = {
    "distmat": "Person-reID-Evaluation: distmat in a .mat",
    "MEVID": "Kitware/MEVID baselines: eval.npz, labels as float32",
    "MEVID, negative": "CAL: eval.npz with the negative cosine",
    "AG-VPReID": "AG-VPReID, TF-CLIP: evaluation_results.mat with names",
    "NAIC": "fast-reid, branch NAIC: distmat.npy",
}
LISTED = ("R1", "R5", "R10", "R20", "queries")

FORMS = {
    **{name: Form(origin, brought.SHAPES[name]) for name, origin in FEATURES.items()},
    **{name: Form(origin, brought.MATRICES[name], brought.write_distances) for name, origin in MATRICES.items()},
    "layumi, multi query": Form("layumi: multi_query.mat beside pytorch_result.mat", brought.write_multi_query),
    "fast-reid demo": Form("fast-reid's demo: a .npy for each image", brought.write_fast_reid_demo),
    "Parquet": Form("a data frame's to_parquet", brought.write_parquet, needs="pyarrow"),
    "wildlife-tools": Form("wildlife-tools: FeatureDataset.save", wildlife.write_wildlife, needs="pandas"),
    "wildlife-tools, the object": Form(
        "wildlife-tools: a pickle of a FeatureDataset", wildlife.write_wildlife_object, needs="pandas"
    ),
    "wildlife-tools, pandas 1": Form("wildlife-tools: its first form, old pandas", wildlife.write_old_wildlife),
    "wildlife-tools, pandas 3": Form("wildlife-tools: pandas 3 with pyarrow", wildlife.write_new_wildlife),
    "MARS": Form("MARS: ide_feat_test.mat of frames", frames.write_mars, world=frames.framed_world),
    "rows of frames": Form("a table with a row for each frame", frames.write_frame_rows, world=frames.framed_world),
    "boxmot": Form(
        "boxmot 25: materialize, with labels by box", boxes.write_boxmot, world=boxes.boxed_world, needs="pyarrow"
    ),
    "boxmot, tracks": Form(
        "boxmot 25: with labels by frame and track", boxes.write_boxmot_tracks, world=boxes.boxed_world, needs="pyarrow"
    ),
    "boxmot, arrays": Form("boxmot 25: its tables as .npz", boxes.write_boxmot_arrays, world=boxes.boxed_world),
    "boxes": Form("a tracker's table of boxes, with labels by track", boxes.write_boxes, world=boxes.boxed_world),
    "OpenGait": Form(
        "OpenGait: [N, C, P] with texts", frames.write_opengait, brought.write_distances, frames.parted_world
    ),
    "AG-VPReID ranking": Form("AG-VPReID: its submission", rankings.write_ag_vpreid_ranking, brought.write_distances),
    "VReID-XFD": Form(
        "VReID-XFD: its submission, one case",
        rankings.write_vreid_xfd,
        brought.write_cameraless,
        rankings.cameraless_world,
    ),
    "GREW": Form(
        "GREW: people of rank 1 to 20", rankings.write_grew, brought.write_cameraless, rankings.cameraless_world, LISTED
    ),
    "HID": Form(
        "HID: one person", rankings.write_hid, brought.write_cameraless, rankings.cameraless_world, ("R1", "queries")
    ),
    "TREC": Form(
        "retrieval: a run and its qrels",
        rankings.write_trec,
        brought.write_cameraless,
        rankings.cameraless_world,
        tuple(name for name in SCORES if name not in ("interval", "people")),  # qrels do not say who is shown
    ),
}


def write_unlabelled(folder):
    """boxmot: embeddings of boxes, with no word of who they show."""
    rows = ["key,box,frame,embedding", *(f'a,"[0, 0, {n}, {n}]",{n},"[0.5, 1.0]"' for n in range(1, 4))]
    (folder / "boxmot.csv").write_text("\n".join(rows))
    return folder / "boxmot.csv"


REFUSED = {
    "boxmot, without labels": (write_unlabelled, "nothing says whom its 3 rows show, nor which are queries"),
}


@dataclass(frozen=True)
class CheckpointForm:
    """One form. The writer gets a folder and returns the file; `family` reads it, and `left` names what it leaves."""

    origin: str
    family: str
    write: Callable[..., Any]
    left: tuple[str, ...] = ()
    costly: bool = False  # of the size of ResNet-50
    needs: str = ""  # a package that may be missing


def _saving(name, make):
    def write(folder):
        torch.save(make(), folder / name)
        return folder / name

    return write


def _as_torchreid(name, make):
    def write(folder):
        checkpoints.save_as_torchreid(folder / name, make())
        return folder / name

    return write


def _as_fast_reid(folder):
    checkpoints.save_as_fast_reid(folder / "model_final.pth", checkpoints.fast_reid())
    return folder / "model_final.pth"


def _as_cal(state):
    """Simple-CCReID: the class heads are dicts of their own."""
    head = {name: state.pop(name) for name in [name for name in state if name.startswith("classifier.")]}
    heads = {"classifier_state_dict": head, "clothes_classifier_state_dict": dict(head)}
    return {"model_state_dict": state, **heads, "rank1": np.float64(0.6), "epoch": 60}


def _as_buptcampus(folder):
    checkpoints.save_as_buptcampus(folder / "epoch99.pth", checkpoints.buptcampus())
    return folder / "epoch99.pth"


def _as_roboflow(folder):
    state = checkpoints.osnet(people=None)
    return checkpoints.save_as_roboflow(folder / "reid", state, {"architecture": "osnet_x0_25"})


def _as_onnx(folder):
    (folder / "osnet.onnx").write_bytes(onnx.network(onnx.draw_weights()))
    return folder / "osnet.onnx"


CHECKPOINTS = {
    "torchreid, OSNet": CheckpointForm(
        "torchreid: model.pth.tar-60 with a NumPy scalar",
        "torchreid",
        _as_torchreid("model.pth.tar-60", checkpoints.osnet),
        ("classifier.weight", "classifier.bias"),
    ),
    "torchreid, ResNet-50": CheckpointForm(
        "torchreid: resnet50",
        "torchreid",
        _as_torchreid("model.pth.tar-60", checkpoints.torchreid_resnet50),
        ("classifier.weight", "classifier.bias"),
        True,
    ),
    "fast-reid": CheckpointForm("fast-reid: model_final.pth", "fast-reid", _as_fast_reid, ("heads.weight",), True),
    "AP3D": CheckpointForm(
        "AP3D: checkpoint_ep240.pth.tar",
        "ap3d",
        _as_torchreid("checkpoint_ep240.pth.tar", checkpoints.ap3d),
        ("classifier.weight", "classifier.bias"),
        True,
    ),
    "CAL": CheckpointForm(
        "Simple-CCReID, CAL: best_model.pth.tar, its class heads apart",
        "cal",
        _saving("best_model.pth.tar", lambda: _as_cal(checkpoints.ap3d(plan=checkpoints.C2D))),
        costly=True,
    ),
    "CLIP-ReID": CheckpointForm(
        "CLIP-ReID: a bare state dict",
        "clip-reid",
        _saving("ViT-B-16_60.pth", checkpoints.clip_reid),
        ("prompt_learner.cls_ctx",),
    ),
    "TF-CLIP": CheckpointForm(
        "TF-CLIP: a bare state dict despite its name",
        "tf-clip",
        _saving("best_model.pth.tar", checkpoints.tf_clip),
        ("cv_embed",),
    ),
    "VSLA-CLIP": CheckpointForm(
        "VSLA-CLIP: a bare state dict with adapters",
        "vsla-clip",
        _saving("ViT-B-16_60.pth", lambda: checkpoints.clip_reid(narrow=64)),
        ("prompt_learner.cls_ctx",),
    ),
    "BUPTCampus": CheckpointForm(
        "BUPTCampus: a dict with `model`, and an optimizer of torch as it is",
        "buptcampus",
        _as_buptcampus,
        ("classifier.fc.weight", "shared_module.backbone.conv1.weight"),
    ),
    "roboflow reid": CheckpointForm("Roboflow reid: a folder with a description", "roboflow", _as_roboflow),
    "boxmot, OSNet": CheckpointForm("boxmot: osnet_x0_25_msmt17.pt", "boxmot", _saving("osnet.pt", checkpoints.osnet)),
    "boxmot, MobileNetV2": CheckpointForm(
        "boxmot: mobilenetv2_x1_0_market1501.pt",
        "boxmot",
        _saving("mobilenetv2.pt", checkpoints.mobilenetv2),
        ("classifier.weight", "classifier.bias"),
    ),
    "boxmot, LightMBN": CheckpointForm(
        "boxmot: lmbn_n_duke.pt",
        "boxmot",
        _saving("lmbn_n_duke.pt", checkpoints.light_mbn),
        ("reduction_0.classifier.weight",),
        True,
    ),
    "boxmot, ONNX": CheckpointForm("boxmot: a graph", "boxmot", _as_onnx, needs="onnxruntime"),
    "ONNX": CheckpointForm("ONNX: a graph of anybody's", "onnx", _as_onnx, needs="onnxruntime"),
}


def _as_opengait(folder):
    state = {"Backbone.forward_block.conv1.weight": torch.zeros(2, 2), "FCs.fc_bin": torch.zeros(2, 3, 4)}
    checkpoints.save_as_opengait(folder / "GaitBase-60000.pt", {**state, "BNNecks.fc_bin": torch.zeros(2, 4, 5)})
    return folder / "GaitBase-60000.pt"


def _as_engine(folder):
    (folder / "osnet.engine").write_bytes(b"ftrt" + bytes(64))
    return folder / "osnet.engine"


REFUSED_CHECKPOINTS = {  # the writer, a family, and what it says
    "OpenGait": (_as_opengait, "opengait", "found GaitBase of OpenGait with 68 parameters, saved at iteration 60000"),
    "boxmot, TensorRT": (_as_engine, "boxmot", "name the .pt or .onnx that it was made from"),
    "of no family": (
        _saving("model.pth", lambda: {"model": {"backbone.x.weight": torch.zeros(2, 2)}}),
        "torchreid",
        "not of torchreid",
    ),
}

"""J_0 as the paper has it for Human3.6M alone: each person's root joint, and not the corner of the crop."""

import json

import numpy as np
import pytest
import torch
from configs import batches_of, small_config
from processes import finish_here, train

from ief.inference.onnx import OnnxNetwork
from ief.inference.onnx_export import CropsToPose, export_onnx
from ief.inference.predictor import PosePredictor
from ief.model.run_folder import load_cascade
from ief.training.options import PRESETS
from mpii_tools.prepared.read import load_prepared

ROOT = 6  # MPII's pelvis


@pytest.fixture(scope="module")
def run(deep_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rooted")
    finish_here(train(deep_data, folder, "--preset", "demo", "--epochs", "1", "--origin", "root"))
    return folder


def test_batches_move_poses_as_a_whole(deep_data):
    here, there = (batches_of(small_config(deep_data, origin=origin))(3) for origin in ("corner", "root"))
    assert torch.equal(here.images, there.images)
    moved = there.joints - here.joints
    expected = (moved * torch.tensor([1, 1, 0]))[:, ROOT : ROOT + 1].expand(-1, 16, -1)
    assert torch.equal(there.mask, here.mask)
    torch.testing.assert_close(moved[here.mask], expected[here.mask], atol=1e-4, rtol=0)
    assert (there.joints[:, ROOT, :2] == 15.5).all() and not (here.joints[:, ROOT, :2] == 15.5).all()


def test_only_people_in_3d_alone_have_it(deep_data, tiny_data):
    assert PRESETS["paper3d"].origin == "root" and small_config(deep_data, origin="root").rooted
    assert not small_config(deep_data, also=tiny_data, origin="root").rooted
    assert not small_config(tiny_data, origin="root").rooted and not small_config(deep_data).rooted


def test_predictions_have_the_root_of_the_ground_truth(run, deep_data):
    data = load_prepared(deep_data, "valid")
    poses = PosePredictor.load(run).predict_split(data)[0]
    truth = data.people.coordinates[:, ROOT, :2]
    np.testing.assert_allclose(poses[:, :, ROOT, :2], np.broadcast_to(truth, poses[:, :, ROOT, :2].shape), atol=1e-3)
    scores = json.loads((run / "metrics.json").read_text())["stage0"]
    assert "3d" in scores and scores["pckh"]["0.5"]["per_joint"]["pelvis"] == 100


def test_an_exported_model_knows_it_too(run, deep_data, tmp_path):
    pytest.importorskip("onnxscript")
    cascade, data = load_cascade(run), load_prepared(deep_data, "valid")
    network = OnnxNetwork(export_onnx(CropsToPose(cascade), tmp_path / "model.onnx"))
    assert network.rooted
    predictors = PosePredictor.of(cascade), PosePredictor(network)
    np.testing.assert_allclose(*(each.predict_split(data)[0][-1] for each in predictors), atol=0.05)

import numpy as np
import pytest
import torch

from ief.cli import main
from ief.run import load_cascade


def test_the_exported_model_gives_the_cascades_poses(tiny_data, tmp_path):
    pytest.importorskip("onnxscript", reason="install '.[export]'")
    runtime = pytest.importorskip("onnxruntime", reason="install onnxruntime to run the exported model")
    arguments = ["--preset", "demo", "--passes", "1", "--batch", "8", "--weights", "none", "--device", "cpu"]
    assert main(["train", "--data", str(tiny_data), "--run", str(tmp_path), *arguments]) == 0
    assert main(["export", "--run", str(tmp_path), "--out", str(tmp_path / "pose.onnx")]) == 0
    images = torch.randn(3, 3, 32, 32)
    joints = runtime.InferenceSession(tmp_path / "pose.onnx").run(None, {"images": images.numpy()})[0]
    with torch.inference_mode():
        np.testing.assert_allclose(joints, load_cascade(tmp_path)(images)[-1].numpy(), atol=1e-3)

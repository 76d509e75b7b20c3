import re
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import untrained
from pictures import smooth_image
from tiny_resnet import ShallowResNet
from torch import nn

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.cli import main
from ief.inference.onnx import OnnxNetwork, export_onnx, open_session, weigh_pixels
from ief.inference.predictor import CascadeNetwork
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.images.decode import warp
from mpii_tools.results.predictions import read_predictions

SIZE = 32
PAGE = Path(__file__).resolve().parents[3] / "ief" / "README.md"


@pytest.fixture(scope="module", autouse=True)
def shallow_networks():
    """Stages of layers 1 to 3: most of their weights are the blocks', which int8 makes smaller."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ief.model.backbone.get_model", lambda name, weights: ShallowResNet(3))
        yield


make_cascade, save_run = (partial(function, head=0.03) for function in (untrained.make_cascade, untrained.save_run))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two stages."""
    return save_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def exported(run, tiny_data, tmp_path_factory):
    """Models of images (of a single stage) and of crops, and the latter in int8, as the command line writes them."""
    pytest.importorskip("onnxscript", reason="install '.[export]'")
    pytest.importorskip("onnxruntime", reason="install '.[export]'")
    folder, single, written = tmp_path_factory.mktemp("onnx"), save_run(tmp_path_factory.mktemp("single"), 1), {}

    def export_once(model, path):  # --int8 starts from a model of crops, which has been traced by then
        if type(model) not in written:
            written[type(model)] = export_onnx(model, path).read_bytes()
        path.write_bytes(written[type(model)])
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ief.inference.onnx.export_onnx", export_once)
        for name, of, options in (
            ("image", single, []),
            ("crops", run, ["--input", "crops"]),
            ("int8", run, ["--input", "crops", "--int8", str(tiny_data)]),
        ):
            assert main(["export", "--run", str(of), "--out", str(folder / f"{name}.onnx"), *options]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["crops.onnx", "image.onnx", "int8.onnx"]
    return folder


@pytest.mark.parametrize("count", [1, 3])
def test_the_exported_model_of_crops_gives_the_cascades_poses(exported, count):
    crops = np.random.default_rng(0).integers(0, 255, (count, SIZE, SIZE, 3), dtype=np.uint8)
    plain = CascadeNetwork(make_cascade())(crops)[0][-1]
    np.testing.assert_allclose(OnnxNetwork(exported / "crops.onnx")(crops)[0][-1], plain, rtol=1e-4, atol=1e-3)
    assert np.ptp(plain, axis=0).max() > 0.1 or count == 1  # it does look at the image


@pytest.mark.parametrize("scale", [0.1, 0.25, 0.9])  # enlarged, reduced a little, reduced sevenfold
def test_a_model_of_images_crops_and_maps_back(exported, scale):
    session = open_session(exported / "image.onnx")
    image = smooth_image(200, 150)
    # The second box reaches outside the image.
    center, scales = np.array([[100, 70.0], [20, 140.0]], np.float32), np.full(2, scale, np.float32)
    joints = session.run(None, {"image": np.stack([image] * 2), "center": center, "scale": scales})[0]
    matrices = crop_matrices(np.add(center, (0, 15 * scale)), 250 * scales, SIZE)
    crops = np.stack([warp(image, matrix, SIZE) for matrix in matrices])
    expected = apply_affine(invert_affine(matrices), CascadeNetwork(make_cascade(1))(crops)[0][-1])
    # Crops differ by rounding to a gray level and in how they average what they reduce.
    np.testing.assert_allclose(joints, expected, atol=0.3 * 250 * scale / SIZE)


def test_resampling_interpolates_or_averages():
    line = torch.tensor([0.0, 10.0, 30.0, 20.0])
    positions = torch.tensor([[0.0, 0.25, 1.5, 2.9, 3.5, 9.0]])
    enlarged = weigh_pixels(positions, torch.tensor(0.5).view(1, 1, 1), 4) @ line
    torch.testing.assert_close(enlarged, torch.tensor([[0, 2.5, 20, 21, 10, 0]]))  # beyond the end: half, nothing
    ramp = torch.arange(100.0)
    places = torch.linspace(20, 80, 7)[None]
    for step in (1.3, 2.0, 7.5):  # an average about a point of a straight line is its value there
        averaged = weigh_pixels(places, torch.tensor(step).view(1, 1, 1), 100) @ ramp
        torch.testing.assert_close(averaged, places, atol=0.3, rtol=0)
    weights = weigh_pixels(places, torch.tensor(7.5).view(1, 1, 1), 100)
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 7))
    assert ((weights > 0).sum(-1) >= 14).all()


def test_int8_stays_close_to_fp32_and_follows_the_image(exported):
    whole, small = exported / "crops.onnx", exported / "int8.onnx"
    assert small.stat().st_size < 0.4 * whole.stat().st_size
    crops = np.random.default_rng(1).integers(0, 255, (8, SIZE, SIZE, 3), dtype=np.uint8)
    plain, quantized = OnnxNetwork(whole)(crops)[0], OnnxNetwork(small)(crops)[0]
    assert 0 < np.abs(plain - quantized).max() < 0.1 * SIZE
    assert np.abs(plain - quantized).mean() < 0.5 * np.abs(plain - plain.mean(axis=1, keepdims=True)).mean()


def test_predict_runs_what_export_wrote(exported, run, tiny_data, tmp_path):
    data = ["--data", str(tiny_data)]
    assert main(["predict", "--run", str(run), *data, "--device", "cpu", "--out", str(tmp_path / "torch")]) == 0
    for name, closeness in (("crops", 1e-2), ("int8", 10)):
        assert main(["predict", "--onnx", str(exported / f"{name}.onnx"), *data, "--out", str(tmp_path / name)]) == 0
        ours, plain = (read_predictions(tmp_path / where / "predictions-valid.npz") for where in (name, "torch"))
        np.testing.assert_allclose(ours.joints, plain.joints, atol=closeness)


def test_a_model_that_cannot_be_used_is_one_clear_line(exported, run, tiny_data, tmp_path, capsys):
    corrupt = tmp_path / "corrupt.onnx"
    corrupt.write_bytes((exported / "image.onnx").read_bytes()[:999])
    other, names = tmp_path / "other.onnx", {"input_names": ["x"], "output_names": ["y"]}
    torch.onnx.export(nn.ReLU().eval(), (torch.zeros(1),), other, dynamo=True, verbose=False, **names)
    for path, message in (
        (other, "other.onnx: takes x, not what a model that"),
        (corrupt, "corrupt.onnx: not a model that ONNX Runtime can load"),
        (tmp_path / "none.onnx", "none.onnx: no such file"),
    ):
        assert main(["predict", "--onnx", str(path), "--data", str(tiny_data)]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert main(["export", "--run", str(run), "--out", str(tmp_path / "o"), "--int8", str(tiny_data)]) == 2
    assert "--int8 goes with --input crops" in capsys.readouterr().err


def run_script():
    """The names that the page's script leaves, run as it stands."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (script,) = [block for block in blocks if "onnxruntime" in block]
    names = {}
    exec(compile(script, str(PAGE), "exec"), names)
    return names


UNSCALED = [[x - SIZE / 2.5, y - height / 2, x + SIZE / 2.5, y + height / 2] for x, y, height in
            ((60, 40, 20), (100, 100, SIZE / 1.25), (120, 77, 2.5))]  # fmt: skip
HIGHER = [[80 - 9, 60 - SIZE / 2.5, 80 + 9, 60 + SIZE / 2.5]]
IN_ANY_IMAGE = [[5, 2, 30, 35], [1, 0, 33, 31.5]]


@pytest.mark.parametrize(
    ("boxes", "size", "ending", "gray", "closeness"),
    [
        # As many image pixels as the network has: nothing is resampled, so that a hundredth of a pixel shows.
        pytest.param(UNSCALED + HIGHER, (200, 150), ".png", False, 1e-3, id="unscaled"),
        pytest.param([[-30, 20, 50, 90], [150, 100, 230, 190]], (200, 150), ".png", False, 0.3, id="partly outside"),
        pytest.param([[-40, -30, 260, 190]], (200, 150), ".png", False, 0.3, id="around the image"),
        pytest.param([[99.5, 70.25, 103.75, 76.5]], (200, 150), ".png", False, 0.3, id="a few pixels"),
        pytest.param(IN_ANY_IMAGE, (61, 37), ".jpg", False, 0.3, id="odd size"),
        pytest.param(IN_ANY_IMAGE, (90, 70), ".jpg", True, 0.3, id="gray"),
        pytest.param(IN_ANY_IMAGE, (33, 101), ".jpg", True, 0.3, id="gray and odd"),
    ],
)
def test_the_pages_script_takes_boxes_as_prediction_does(
    exported, tmp_path, monkeypatch, boxes, size, ending, gray, closeness
):
    """In crop pixels; a center 15 x scale too low, or half a pixel off in a small box, would show."""
    (tmp_path / "pose.onnx").write_bytes((exported / "image.onnx").read_bytes())
    image = smooth_image(*size)
    image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if gray else image
    (tmp_path / "image.jpg").write_bytes(cv2.imencode(ending, image)[1].tobytes())
    monkeypatch.chdir(tmp_path)
    names, predictor = run_script(), PosePredictor.of(make_cascade(1))
    assert names["image"].shape == (*size[::-1], 3)
    sides = 1.25 * np.array([max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes])[:, None, None]
    expected = predictor("image.jpg", boxes).joints
    off = names["predict"](names["session"], names["image"], boxes) - expected
    assert np.abs(off / sides * SIZE).max() < closeness
    moved = predictor("image.jpg", np.add(boxes, 0.01)).joints - expected
    assert closeness > 0.1 or np.abs(moved).min() > 1e-3


@pytest.mark.parametrize(
    "fault",
    [{"size": "abc"}, {"size": "-5"}, {"size": "16"}, {"size": "200000"}, {"skeleton": "{"}, {"skeleton": "[1]"},
     {"skeleton": '{"names": ["a"], "parents": [null]}'}, {"scores": "{"}],
)  # fmt: skip
def test_a_model_that_export_did_not_write_is_refused(exported, tmp_path, fault):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(exported / "crops.onnx")
    held = {entry.key: entry.value for entry in model.metadata_props} | fault
    onnx.helper.set_model_props(model, held)
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(PoseError, match=r"a\.onnx"):
        OnnxNetwork(tmp_path / "a.onnx")

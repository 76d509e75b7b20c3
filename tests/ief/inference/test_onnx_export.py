from functools import partial

import numpy as np
import pytest
import torch
import untrained
from commands import run_ief, said_by
from pictures import smooth_image
from tiny_resnet import ShallowResNet
from torch import nn

from checkpoints.errors import PoseError
from ief.inference.cascade_network import CascadeNetwork
from ief.inference.onnx import OnnxNetwork, open_session
from ief.inference.onnx_export import export_onnx, list_residual_nodes, sample_squares
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.images.decode import FILL, warp
from mpii_tools.results.predictions import read_predictions

SIZE = 32


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

    crops = ["--input", "crops"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ief.inference.onnx_export.export_onnx", export_once)
        for name, of, options in (
            ("image", single, []),
            ("crops", run, crops),
            ("int8", run, [*crops, "--int8", tiny_data]),
        ):
            run_ief("export", "--run", of, "--out", folder / f"{name}.onnx", *options)
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


@pytest.mark.parametrize("shape", [(90, 120), (91, 121), (64, 64)])
@pytest.mark.parametrize("step", [0.7, 1.0, 2.0, 2.3, 4.9])
def test_squares_are_sampled_as_opencv_does(shape, step):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    matrix = crop_matrices(np.array([[50.3, 40.6]]), np.array([SIZE * step]), SIZE)[0]
    positions = apply_affine(invert_affine(matrix[None]), np.arange(SIZE)[None, :, None].repeat(2, axis=-1)) + 0.5
    pixels = torch.tensor(image).permute(2, 0, 1)[None].float() - torch.tensor(FILL).view(3, 1, 1)
    crop = sample_squares(pixels, torch.tensor(positions).float(), torch.tensor([[[step]]]))
    off = (crop[0].permute(1, 2, 0).numpy() + FILL).round() - warp(image, matrix, SIZE)
    assert np.abs(off).max() <= 1 and (off != 0).mean() < 0.02  # halves that rounding errors tip over


def test_int8_stays_close_to_fp32_and_follows_the_image(exported):
    whole, small = exported / "crops.onnx", exported / "int8.onnx"
    assert small.stat().st_size < 0.4 * whole.stat().st_size
    crops = np.random.default_rng(1).integers(0, 255, (8, SIZE, SIZE, 3), dtype=np.uint8)
    plain, quantized = OnnxNetwork(whole)(crops)[0], OnnxNetwork(small)(crops)[0]
    assert 0 < np.abs(plain - quantized).max() < 0.1 * SIZE
    assert np.abs(plain - quantized).mean() < 0.5 * np.abs(plain - plain.mean(axis=1, keepdims=True)).mean()


def test_predict_runs_what_export_wrote(exported, run, tiny_data, tmp_path):
    def predict(name, *weights):
        run_ief("predict", *weights, "--data", tiny_data, "--out", tmp_path / name)
        return read_predictions(tmp_path / name / "predictions-valid.npz").joints

    plain = predict("torch", "--run", run, "--device", "cpu")
    for name, closeness in (("crops", 1e-2), ("int8", 10)):
        np.testing.assert_allclose(predict(name, "--onnx", exported / f"{name}.onnx"), plain, atol=closeness)


def test_a_model_that_cannot_be_used_is_one_clear_line(exported, run, tiny_data, tmp_path, capsys):
    (tmp_path / "corrupt.onnx").write_bytes((exported / "image.onnx").read_bytes()[:999])
    other, names = tmp_path / "other.onnx", {"input_names": ["x"], "output_names": ["y"]}
    torch.onnx.export(nn.ReLU().eval(), (torch.zeros(1),), other, dynamo=True, verbose=False, **names)
    for message in (
        "other.onnx: takes x, not what a model that",
        "corrupt.onnx: not a model that ONNX Runtime can load",
        "none.onnx: no such file",
    ):
        error = said_by("predict", "--onnx", tmp_path / message.partition(":")[0], "--data", tiny_data)
        assert message in error and error.count("\n") == 1
    run_ief("export", "--run", run, "--out", tmp_path / "o", "--int8", tiny_data, status=2)
    assert "--int8 goes with --input crops" in capsys.readouterr().err


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


def test_int8_takes_the_clips_and_sums_of_inverted_residuals():
    onnx = pytest.importorskip("onnx", reason="install '.[export]'")
    helper, weight = onnx.helper, onnx.numpy_helper.from_array(np.zeros((4, 4, 1, 1), np.float32), "w")
    image = onnx.numpy_helper.from_array(np.zeros((4, 3, 1, 1), np.float32), "first")
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["stem"], "of the image"),
        helper.make_node("Conv", ["stem", "w"], ["a"], "a"),
        helper.make_node("Clip", ["a"], ["b"], "clip"),
        helper.make_node("Conv", ["b", "w"], ["c"], "c"),
        helper.make_node("Add", ["c", "a"], ["d"], "sum"),
        helper.make_node("Add", ["d", "c"], ["e"], "sum of a sum"),
        helper.make_node("Add", ["e", "x"], ["f"], "with the input"),
        helper.make_node("Clip", ["f"], ["g"], "of scores"),
        helper.make_node("Relu", ["f"], ["h"], "relu"),
    ]
    graph = helper.make_graph(nodes, "g", [], [], [weight, image])
    assert list_residual_nodes(graph) == ["a", "clip", "c", "sum", "sum of a sum", "relu"]

"""Prediction in 3D: z comes through crops, mirrors, files and exports as the network gave it."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from commands import run_ief
from pictures import smooth_image, write_picture
from prepared_sums import add_sums
from tiny_resnet import ShallowResNet
from untrained import make_cascade, save_run

from checkpoints.errors import PoseError
from evaluation.report.side_view import draw_side_view
from evaluation.report.skeletons import draw_poses, drop_outside
from heads.skeleton import MPII
from ief import PosePredictor
from ief.inference.cascade_network import CascadeNetwork
from ief.inference.onnx import OnnxNetwork
from ief.inference.onnx_export import CropsToPose, ImageToPose, export_onnx, quantize
from ief.inference.outputs import Journal, write_results
from ief.inference.poses import ImageCamera
from ief.inference.stream import ImagePeople, Outcome
from ief.inference.video import write_video
from mpii_tools.annotations.people_file import save_people
from mpii_tools.cameras import project
from mpii_tools.people import Depth
from mpii_tools.prepared.augmentation import normalize_crops
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import read_predictions

SIZE = 32
CAMERA, DISTORTION = np.array([1145.0, 1143.8, 45.5, 35.5]), np.array([-0.2, 0.25, -0.003, -0.0014, -0.001])
BOXES = [[10, 12, 60, 70], [0, 0, 90, 70]]


@pytest.fixture(scope="module")
def cascade():
    return make_cascade(dimensions=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp("run"), dimensions=3)


@pytest.fixture(scope="module")
def predictor(cascade):
    return PosePredictor.of(cascade, batch_size=3)


@pytest.fixture(scope="module")
def image():
    return smooth_image(90, 70)


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(1).integers(0, 255, (6, SIZE, SIZE, 3), dtype=np.uint8)


def literal(cascade, crops, flip):
    """Every stage's pose, person by person, and with `flip` joint by joint, from the stages as they were trained."""
    swap = dict(MPII.flip_pairs) | {left: right for right, left in MPII.flip_pairs}

    def mirrored(pose):
        rows = [pose[swap.get(joint, joint)] for joint in range(16)]
        return torch.stack([torch.stack([SIZE - 1 - x, y, z]) for x, y, z in rows])

    found = []
    for crop in crops:
        pixels, pose = normalize_crops(torch.from_numpy(crop[None])), cascade.mean_pose
        for stage in cascade.stages:
            after = stage.predict(pixels, pose[None])[0][0]
            if flip:
                after = (after + mirrored(stage.predict(pixels.flip(-1), mirrored(pose)[None])[0][0])) / 2
            pose = after
        found.append(pose.numpy())
    return np.array(found)


@pytest.mark.parametrize("flip", [False, True])
def test_z_is_carried_and_not_mirrored(cascade, crops, flip):
    """Against the unfolded stages by hand."""
    with torch.inference_mode():
        expected = literal(cascade, crops, flip)
    poses, scores, _ = CascadeNetwork(cascade, flip)(crops)
    assert poses.shape == (3, 6, 16, 3) and scores.shape == (6, 16)
    np.testing.assert_allclose(poses[-1], expected, rtol=1e-4, atol=1e-2)
    assert np.ptp(expected[..., 2], axis=0).max() > 10  # it does look at the image


def test_exports_give_the_same_in_fp32_and_nearly_in_int8(crops, image, tmp_path, monkeypatch):
    pytest.importorskip("onnxscript", reason="install '.[export]'")
    pytest.importorskip("onnxruntime", reason="install '.[export]'")
    monkeypatch.setattr("ief.model.backbone.get_model", lambda name, weights: ShallowResNet(1))
    cascade = make_cascade(dimensions=3, unlabeled=(3,))
    plain = CascadeNetwork(cascade)(crops)[0][-1]
    assert np.isnan(plain[:, 3]).all() and np.isfinite(np.delete(plain, 3, axis=1)).all()
    model = OnnxNetwork(export_onnx(CropsToPose(cascade), tmp_path / "crops.onnx"))
    assert model.dimensions == 3
    np.testing.assert_allclose(model(crops)[0][-1], plain, rtol=1e-4, atol=1e-3)
    small = OnnxNetwork(quantize(tmp_path / "crops.onnx", tmp_path / "int8.onnx", crops))(crops)[0][-1]
    assert small.shape == plain.shape and np.nanmax(np.abs(small - plain)[..., 2]) < 0.1 * np.nanstd(plain[..., 2])
    single = make_cascade(1, dimensions=3)
    exported = PosePredictor.load(export_onnx(ImageToPose(single), tmp_path / "image.onnx"))
    found, expected = (one(image, BOXES).joints for one in (exported, PosePredictor.of(single)))
    np.testing.assert_allclose(found[..., :2], expected[..., :2], atol=0.05)
    np.testing.assert_allclose(found[..., 2], expected[..., 2], atol=1)


def test_nobody_has_three_coordinates_too(predictor, image, tmp_path):
    nobody, somebody = both = predictor([image, image], [np.zeros((0, 4)), BOXES])
    assert nobody.joints.shape == (0, 16, 3) and len(nobody.in_camera(CAMERA, 4000)) == 0
    write_results(tmp_path, [nobody, replace(somebody, image="a.jpg")], MPII, 1)
    np.testing.assert_array_equal(read_predictions(tmp_path / "predictions-images.npz").joints, somebody.joints)
    images = [ImagePeople(tmp_path / "a.jpg", np.zeros((0, 4)), name="a"), ImagePeople(tmp_path / "b.jpg", name="b")]
    journal = Journal(tmp_path / "journal", "asked", predictor)
    for one, poses in zip(images, both, strict=True):
        journal.add(one, Outcome(poses, []))
    again = Journal(tmp_path / "journal", "asked", predictor)
    for one, poses in zip(images, both, strict=True):
        np.testing.assert_array_equal(again.find(one).poses.joints, poses.joints)


def test_poses_in_the_cameras_coordinates_project_to_themselves(predictor, image):
    poses, depth = predictor(image, BOXES), np.array([40000.0, 55000.0])
    points = poses.in_camera(CAMERA, depth, DISTORTION)
    np.testing.assert_allclose(project(points, CAMERA, DISTORTION), poses.joints[..., :2], atol=1e-5)
    np.testing.assert_allclose(points[..., 2] - depth[:, None], poses.joints[..., 2], atol=1e-9)
    first, second = poses.in_camera(np.stack([CAMERA, CAMERA * 2]), depth, np.stack([DISTORTION, DISTORTION * 0]))
    np.testing.assert_array_equal(first, points[0])
    np.testing.assert_array_equal(second, poses.in_camera(CAMERA * 2, 55000)[1])


@pytest.mark.parametrize(("arguments", "message"), [
    ((CAMERA[:3], 4000), r"camera of shape \(3,\); give \(4,\) or \(2, 4\) finite numbers"),
    ((CAMERA, [1.0, 2, 3]), r"root_depth of shape \(3,\)"),
    ((CAMERA, 4000, np.zeros(4)), r"distortion of shape \(4,\)"),
    ((CAMERA, np.nan), "root_depth of shape"), ((CAMERA, 0), "must be above 0"), ((-CAMERA, 4000), "must be above 0"),
])  # fmt: skip
def test_a_camera_that_cannot_be_is_refused(predictor, image, arguments, message):
    with pytest.raises(PoseError, match=message):
        predictor(image, BOXES).in_camera(*arguments)


def test_poses_in_2d_have_no_camera_coordinates(image):
    with pytest.raises(PoseError, match="poses in 2D have no camera coordinates"):
        PosePredictor.of(make_cascade())(image).in_camera(CAMERA, 4000)


def test_a_drawing_is_that_of_2d_with_the_side_view_beside(predictor, image):
    poses = predictor(image, BOXES)
    drawn = poses.draw(image, scale=0.05)
    np.testing.assert_array_equal(drawn[:, :90], draw_poses(image, drop_outside(poses.joints[..., :2], image)))
    np.testing.assert_array_equal(drawn[:, 91:], draw_side_view(poses.joints, 70, drawn.shape[1] - 91, scale=0.05))
    flat = replace(poses, joints=poses.joints[..., :2])
    np.testing.assert_array_equal(flat.draw(image), drawn[:, :90])


def test_the_command_writes_camera_coordinates(run, predictor, image, tmp_path):
    out = tmp_path / "out"
    cv2.imwrite(str(tmp_path / "a.png"), image[..., ::-1])
    write_video(tmp_path / "clip.avi", iter([image] * 2), 10)
    camera = ["--camera", *CAMERA, "--distortion", *DISTORTION, "--root-depth", "48000"]
    inputs = [tmp_path / "a.png", tmp_path / "clip.avi"]
    run_ief("predict", "--run", run, *inputs, "--device", "cpu", "--out", out, *camera)
    found = read_predictions(out / "predictions-images.npz")
    assert found.joints.shape == found.camera_joints.shape == (3, 16, 3)
    np.testing.assert_allclose(found.joints[0], predictor(image).joints[0], rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(project(found.camera_joints, CAMERA, DISTORTION), found.joints[..., :2], atol=1e-5)
    header, row, *_ = (out / "predictions-images.csv").read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert float(cells["l_knee_Z_mm"]) == pytest.approx(48000 + float(cells["l_knee_z"]), abs=2e-3)
    expected = predictor(image).draw(image, ImageCamera(CAMERA, 48000).scale)
    drawn = cv2.imread(str(out / "a.png.pose.jpg"))[..., ::-1].astype(int)
    assert drawn.shape == expected.shape and np.abs(drawn - expected).mean() < 10
    assert cv2.VideoCapture(str(out / "clip.pose.avi")).read()[1].shape == expected.shape


def test_a_camera_needs_a_run_in_3d(tmp_path, capsys):
    flat, camera = save_run(tmp_path / "flat"), ["--camera", *CAMERA, "--root-depth", "4800"]
    run_ief("predict", "--run", flat, "a.jpg", "--device", "cpu", *camera, status=2)
    assert "flat: predicts no depth, which --camera needs; give a run of 3D people" in capsys.readouterr().err


def test_a_split_with_cameras_gets_camera_coordinates(run, tiny_data, tmp_path):
    folder = shutil.copytree(tiny_data, tmp_path / "data")
    people = load_prepared(folder, "valid").people

    def predict(out):
        run_ief("predict", "--run", run, "--data", folder, "--device", "cpu", "--out", tmp_path / out)
        return read_predictions(tmp_path / out / "predictions-valid.npz")

    assert predict("flat").camera_joints is None
    root = np.linspace(30000, 50000, 12)  # before the camera, whatever an untrained network says
    root[4] = np.nan  # unknown of one
    depth = Depth(np.zeros((12, 16)), camera=CAMERA, distortion=DISTORTION, root_depth=root)
    save_people(folder / "valid.npz", replace(people, depth=depth))
    add_sums(folder)
    found, known = predict("out"), np.isfinite(root)
    assert np.array_equal(np.isfinite(found.camera_joints).all(axis=(1, 2)), known)
    points, joints = found.camera_joints[known], found.joints[known]
    np.testing.assert_allclose(project(points, CAMERA, DISTORTION), joints[..., :2], atol=1e-5)
    np.testing.assert_allclose(points[..., 2], root[known, None] + joints[..., 2], atol=1e-6)


def test_pictures_of_a_split_have_the_side_view_beside(run, tiny_data, tmp_path):
    for row in range(12):
        write_picture(tmp_path / "images" / f"valid{row}.jpg", 200, 200)
    words = ["--run", run, "--data", tiny_data, "--device", "cpu", "--images", tmp_path / "images"]
    run_ief("predict", *words, "--draw", "2", "--out", tmp_path / "out")
    drawn = sorted((tmp_path / "out").glob("pictures-valid/*.jpg"))
    assert len(drawn) == 2 and cv2.imread(str(drawn[0])).shape == (480, 961, 3)

import cv2
import numpy as np
import pytest
import torch
from pictures import encode_picture, smooth_image
from untrained import make_cascade

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.inference import stream
from ief.inference.boxes import person_boxes
from ief.inference.cascade_network import CascadeNetwork
from ief.inference.onnx_export import CropsToPose, export_onnx
from ief.inference.stream import ImagePeople
from mpii_tools.images.decode import cut_crops, decode_image
from mpii_tools.people import People
from mpii_tools.prepared.read import load_prepared

BLANK = np.zeros((4, 4, 3), np.uint8)
BOXES = [[10, 12, 60, 70], [-20, 5, 40, 64.5], [0, 0, 90, 70]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven smooth images of different sizes, one of them a JPEG far larger than a crop."""
    folder = tmp_path_factory.mktemp("images")
    for number in range(7):
        name = f"{number}.jpg" if number % 2 else f"{number}.png"
        cv2.imwrite(str(folder / name), smooth_image(90 + 10 * number, 70, number))
    cv2.imwrite(str(folder / "large.jpg"), smooth_image(1283, 719))
    return folder


@pytest.fixture(scope="module")
def predictor(run):
    return PosePredictor.load(run, "cpu", batch_size=3)


def test_a_crowd_in_one_image_is_cut_and_predicted_in_parts(folder, predictor, monkeypatch):
    image, corner = load(folder / "large.jpg"), np.arange(11)[:, None] * [40, 20]
    boxes = np.hstack([corner, np.add(corner, [150, 260])])
    whole, most, call = predictor(image, boxes, refine=True), [], type(predictor.network).__call__
    monkeypatch.setattr(stream, "CROPS", 4)
    monkeypatch.setattr(type(predictor.network), "__call__", lambda *args: most.append(len(args[1])) or call(*args))
    (blocks, _) = stream.cut_image(ImagePeople(image, boxes), predictor.network)
    assert [len(block) for block in blocks] == [4, 4, 3]
    parts = predictor(image, boxes, refine=True)
    assert most == [3, 3, 3, 2] * 2 and np.array_equal(parts.joints, whole.joints)


def load(path):
    return decode_image(path.read_bytes(), path.name)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_box_gives_the_pose_that_its_crop_gives_by_hand(folder, dimensions):
    """The square around the box, 1.25 of its longer side, pixel centers at integers; z is left alone."""
    image, cascade = load(folder / "0.png"), make_cascade(dimensions=dimensions)
    predictor = PosePredictor.of(cascade, batch_size=3)
    poses = predictor(image, BOXES)
    assert poses.joints.shape == (3, 16, dimensions) and predictor.dimensions == dimensions
    assert poses.names[6] == "pelvis" and poses.boxes.tolist() == BOXES
    for joints, (x1, y1, x2, y2) in zip(poses.joints, BOXES, strict=True):
        side = 1.25 * max(x2 - x1, y2 - y1)
        corner = np.array([(x1 + x2 - side) / 2, (y1 + y2 - side) / 2])  # on the grid of pixels' edges
        matrix = np.column_stack([np.eye(2) * 32 / side, (0.5 - corner) * 32 / side - 0.5])
        expected = CascadeNetwork(cascade)(next(cut_crops(image, matrix[None], 32, 1)))[0][-1][0]
        np.testing.assert_allclose(joints[:, :2], (expected[:, :2] + 0.5) * side / 32 + corner - 0.5, atol=1e-3)
        np.testing.assert_allclose(joints[:, 2:], expected[:, 2:], rtol=1e-4, atol=1e-2)
    assert np.ptp(poses.joints[:, 0, 0]) > 1  # the boxes' order shows
    assert np.isnan(poses.scores).all() and np.isnan(poses.box_scores).all()


def test_array_path_list_and_boxes_agree(folder, predictor, run):
    paths = sorted(folder.iterdir())
    images = [load(path) for path in paths]
    whole = [[[0, 0, image.shape[1], image.shape[0]]] for image in images]
    one_by_one = [predictor(image) for image in images]
    for others in (
        [predictor(path) for path in paths], [predictor(str(path)) for path in paths], predictor(paths),
        predictor(images), predictor(images, whole), [predictor(*pair) for pair in zip(images, whole, strict=True)],
        PosePredictor.load(run, batch_size=100)(images),
    ):  # fmt: skip
        for poses, plain in zip(others, one_by_one, strict=True):
            np.testing.assert_allclose(poses.joints, plain.joints, atol=0.05)
    assert np.ptp([poses.joints[0, 0, 0] for poses in one_by_one]) > 1


def test_mpiis_boxes_and_prepared_crops_give_the_same_pose(predictor, tiny_data, tmp_path):
    data = load_prepared(tiny_data, "valid")
    poses, scores, _ = predictor.predict_split(data)
    inner = slice(data.border, data.border + data.size)
    expected = data.to_image(CascadeNetwork(make_cascade())(data.crops[:, inner, inner])[0][-1])
    np.testing.assert_allclose(poses[-1], expected, atol=1e-4)
    assert poses.shape == (3, 12, 16, 2) and scores.shape == (12, 16)
    people = People(["a"], np.ones((1, 16, 2)), center=np.array([[40.0, 30.0]]), scale=np.array([0.2]))
    boxes = person_boxes(people.center, people.scale)
    x1, y1, x2, y2 = boxes[0]
    assert [(x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2] == pytest.approx(people.crop_center[0])
    assert 1.25 * (x2 - x1) == pytest.approx(people.crop_side[0])


def test_an_image_lying_on_its_side_is_predicted_upright(folder, predictor, tmp_path):
    upright = load(folder / "3.jpg")
    (tmp_path / "turned.png").write_bytes(encode_picture(np.rot90(upright), "PNG", 6))
    np.testing.assert_allclose(predictor(tmp_path / "turned.png").joints, predictor(upright).joints, atol=1e-3)


@pytest.mark.parametrize(("images", "boxes", "message"), [
    (BLANK, [[1, 1, 1, 3]], "image 0: person 1: its box 1 1 1 3 is empty"),
    (BLANK, [[0, 0, 2, 2], [5, 1, 7, 3]], "person 2: its box 5 1 7 3 is off the image of 4 x"),
    (BLANK, [[1, 2, 3]], r"boxes of shape \(1, 3\); give \(P, 4\)"),
    (["none.jpg"], None, "none.jpg: cannot be read"),
    ([BLANK], [None, None], "1 images and 2 lists of boxes; give one per image"),
])  # fmt: skip
def test_what_cannot_be_predicted_is_one_clear_line(predictor, images, boxes, message):
    with pytest.raises(PoseError, match=message):
        predictor(images, boxes)


def test_nobody_is_nobody(predictor):
    gray = np.full((20, 20, 3), 7, np.uint8)
    poses = predictor(gray, np.zeros((0, 4)))
    assert len(poses) == 0 and poses.joints.shape == (0, 16, 2) and poses.to_coco() == []
    assert predictor([]) == [] and np.array_equal(poses.draw(gray), gray)


def test_poses_are_drawn_and_become_coco_results(predictor):
    image = np.full((70, 90, 3), 90, np.uint8)
    poses = predictor(image, BOXES[:2])
    drawn = poses.draw(image)
    assert drawn.shape == image.shape and (drawn != image).any() and (image == 90).all()
    first, second = poses.to_coco(image_id=17)
    assert (first["image_id"], first["category_id"], first["bbox"]) == (17, 1, [10.0, 12.0, 50.0, 58.0])
    np.testing.assert_allclose(np.reshape(second["keypoints"], (16, 3))[:, :2], poses.joints[1], atol=1e-3)
    with pytest.raises(PoseError, match=r"image 0: floats from 0 to 2"):
        poses.draw(np.linspace(0, 2, 16).reshape(4, 4))


def test_bad_images_end_nothing_in_a_stream(folder, predictor, tmp_path):
    (tmp_path / "cut.jpg").write_bytes((folder / "large.jpg").read_bytes()[:999])
    people = [
        ImagePeople(folder / "1.jpg", np.array(BOXES), name="1"),
        ImagePeople(tmp_path / "cut.jpg", name="cut"),
        ImagePeople(folder / "2.png", np.array([[200, 0, 210, 9], [0, 0, 50, 60]]), name="2"),
        ImagePeople(folder / "3.jpg", name="3"),
    ]
    found = [(each.name, each.poses.person_ids, len(each.left_out)) for each in predictor.stream(iter(people))]
    assert found == [("1", ["1#1", "1#2", "1#3"], 0), ("cut", [], 1), ("2", ["2#2"], 1), ("3", ["3#1"], 0)]


def test_scores_are_one_minus_the_sigma_of_the_origin_pairs():
    cascade, crops = make_cascade(method="ief_star", likelihood=True), torch.rand(3, 3, 32, 32)
    stage = cascade.stages[-1]
    torch.nn.init.normal_(stage.sigma_head.weight, std=0.3)
    stage.pair_std.copy_(torch.rand(16, 2) * 10)
    poses, sigmas = cascade.predict(crops)
    scores = stage.scores(sigmas)
    stage.train()
    for module in stage.modules():
        module.training = False
    stage.training = True  # as in training it gives the raw sigma, with the norms of inference
    _, raw_sigma = stage(crops, poses[-2])
    expected = torch.sigmoid(raw_sigma) * stage.pair_std  # P_joint: the pair of joint k is row k
    torch.testing.assert_close(sigmas, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(scores, 1 - expected.mean(dim=-1) / 32, rtol=0, atol=1e-5)


def test_without_a_pair_with_the_origin_there_is_no_score():
    cascade = make_cascade(method="bone", likelihood=True)
    scores = cascade.stages[-1].scores(cascade.predict(torch.rand(2, 3, 32, 32))[1])
    assert torch.isfinite(scores[:, 6]).all() and torch.isnan(scores[:, [0, 5, 15]]).all()
    assert torch.isnan(make_cascade().predict(torch.rand(2, 3, 32, 32))[1]).all()


def test_an_exported_likelihood_gives_the_same_scores(tmp_path, folder):
    cascade = make_cascade(likelihood=True)
    path = export_onnx(CropsToPose(cascade), tmp_path / "scored.onnx")
    both = (PosePredictor.of(cascade), PosePredictor.load(path))
    ours, exported = (predictor(folder / "1.jpg").scores for predictor in both)
    np.testing.assert_allclose(exported, ours, atol=1e-5)
    assert np.isfinite(ours).all()
    flipped, square = PosePredictor.of(cascade, flip=True), load(folder / "1.jpg")[:, :70]
    order = list(cascade.stages[0].design.skeleton.flip_permutation)
    plain, mirrored = (flipped(np.ascontiguousarray(image)).scores for image in (square, square[:, ::-1]))
    np.testing.assert_allclose(plain, mirrored[:, order], atol=1e-3)

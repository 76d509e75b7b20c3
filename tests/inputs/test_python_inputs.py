"""What people hand a predictor: arrays of other libraries are taken, what is no image is told by its name."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import encode_picture, smooth_image
from PIL import Image

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.inference.pixels import read_image
from ief.workflow.predict import predict_inputs

IMAGE = smooth_image(64, 48)
BOX = [[5, 5, 40, 44]]


def open_picture(cut=False, closed=False):
    """A picture that Pillow has opened and not read yet."""
    data = encode_picture(IMAGE, "JPEG")
    picture = Image.open(io.BytesIO(data[: -200 if cut else None]))
    if closed:
        picture.close()
    return picture


@pytest.fixture(scope="module")
def predictor(run):
    return PosePredictor.load(run, "cpu")


@pytest.mark.parametrize(("image", "boxes"), [
    (IMAGE, torch.tensor(BOX, dtype=torch.float32, requires_grad=True)),
    (IMAGE, torch.tensor(BOX)),
    (Image.fromarray(IMAGE), np.array(BOX, dtype=np.float16)),
    (np.asfortranarray(IMAGE), tuple(map(tuple, BOX))),
    (torch.from_numpy(IMAGE.transpose(2, 0, 1).copy()).permute(1, 2, 0), BOX[0]),
])  # fmt: skip
def test_arrays_of_other_libraries_give_the_same_pose(predictor, image, boxes):
    poses = predictor(IMAGE, BOX)
    np.testing.assert_allclose(predictor(image, boxes).joints, poses.joints, atol=1e-4)
    assert np.array_equal(poses.draw(image), poses.draw(IMAGE))


@pytest.mark.parametrize("several", [iter, tuple, list, lambda images: (image for image in images)])
def test_several_images_are_a_list_however_they_come(predictor, several):
    first, second = predictor(several([IMAGE, Image.fromarray(IMAGE)]), several([BOX, None]))
    np.testing.assert_allclose(first.joints, predictor(IMAGE, BOX).joints, atol=1e-4)
    assert second.boxes.tolist() == [[0, 0, 64, 48]]


@pytest.mark.parametrize(("images", "boxes", "says"), [
    (io.BytesIO(b"\xff\xd8\xff"), BOX, "image 0: a BytesIO"),
    ([IMAGE, None], None, "image 1: None; was the file read?"),
    ("a\0b.jpg", None, "a\0b.jpg: cannot be read"),
    (Path("a\0b"), None, "a\0b: cannot be read"),
    ("http://x/y.jpg", None, "http://x/y.jpg: cannot be read"),
    ("", None, "^'': cannot be read"),
    (np.ma.masked_equal(IMAGE, IMAGE[0, 0, 0]), BOX, "image 0: an array .* with masked pixels"),
    ({"a.jpg"}, None, "image 0: a set"),
    (memoryview(IMAGE), BOX, "image 0: a memoryview"),
    (torch.zeros(3, 48, 64, dtype=torch.bfloat16), BOX, "image 0: a Tensor that cannot be read"),
    (torch.zeros(3, 48, 64, device="meta"), BOX, "image 0: a Tensor that cannot be read"),
    (open_picture(cut=True), BOX, "image 0: a JpegImageFile that cannot be read"),
    (open_picture(closed=True), BOX, "image 0: a JpegImageFile that cannot be read"),
    (IMAGE, np.ma.masked_array(BOX, mask=[[0, 0, 0, 1]]), "image 0: boxes with masked numbers"),
    ([IMAGE], 5, "image 0: boxes of shape"),
    (IMAGE, "whole", "image 0: boxes are no array of numbers"),
    (IMAGE, [[torch.tensor(1.0, requires_grad=True)] * 2], "image 0: boxes"),
])  # fmt: skip
def test_what_is_no_image_or_box_is_called_by_its_name(predictor, images, boxes, says):
    with pytest.raises(PoseError, match=says):
        predictor(images, boxes)


def test_a_path_that_no_file_can_have_is_told(run, tmp_path):
    with pytest.raises(PoseError, match="a\0b: cannot be read"):
        predict_inputs([Path("a\0b")], tmp_path / "out", run, device="cpu")


def test_a_device_without_numbers_is_refused(run):
    with pytest.raises(PoseError, match="--device meta: cannot be used"):
        PosePredictor.load(run, "meta")


@pytest.mark.parametrize(
    ("image", "says"), [("a.jpg", "a.jpg: cannot be read"), (7, "image 0: a int"), ([IMAGE], "a list")]
)
def test_poses_are_drawn_on_images_alone(predictor, image, says):
    with pytest.raises(PoseError, match=says):
        predictor(IMAGE, BOX).draw(image)


@pytest.mark.parametrize("given", [{"batch_size": 2.5}, {"batch_size": "4"}, {"batch_size": None}, {"batch_size": 0}])
def test_a_batch_size_that_is_none_is_told(predictor, given):
    with pytest.raises(PoseError, match=f"batch size {given['batch_size']!r}"):
        PosePredictor(predictor.network, **given)


@pytest.mark.parametrize("path", [3, b"runs/all", ""])
def test_what_is_no_path_of_a_run_is_told(path):
    with pytest.raises(PoseError, match=f"{path!r}: a {type(path).__name__} is no path"):
        PosePredictor.load(path)


def test_ids_of_numpy_can_be_written_as_json(predictor):
    assert json.loads(json.dumps(predictor(IMAGE, BOX).to_coco(np.int64(3))))[0]["image_id"] == 3


GRAY = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 21
EIGHT = np.repeat((GRAY >> 8).astype(np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize(("gray", "mode"), [
    (GRAY, "I;16"), (GRAY.astype(np.int32), "I"), (GRAY.astype(np.int32) >> 8, "I"),
    (EIGHT[..., 0] / np.float32(255), "F"),
])  # fmt: skip
@pytest.mark.parametrize("from_file", [False, True])
def test_pictures_of_other_depths_keep_their_range(tmp_path, gray, mode, from_file):
    picture = Image.fromarray(gray)
    picture.save(tmp_path / "a.tif")
    assert picture.mode == mode
    assert np.array_equal(read_image(tmp_path / "a.tif" if from_file else picture), EIGHT)


@pytest.mark.parametrize(("gray", "says"), [(GRAY.astype(np.float32), "from 0 to 64491"), (GRAY * -1.0, "from -64491")])
@pytest.mark.parametrize("from_file", [False, True])
def test_floats_of_another_range_are_refused(tmp_path, gray, says, from_file):
    Image.fromarray(gray.astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(PoseError, match=f"floats {says}"):
        read_image(tmp_path / "a.tif" if from_file else Image.open(tmp_path / "a.tif"))

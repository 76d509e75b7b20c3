"""What people hand a predictor: arrays of other libraries are taken, what is no image is told by its name."""

import io

import cv2
import numpy as np
import pytest
import torch
from pictures import smooth_image
from PIL import Image
from untrained import save_run

from checkpoints.errors import PoseError
from ief import PosePredictor

IMAGE = smooth_image(64, 48)
BOX = [[5, 5, 40, 44]]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return PosePredictor.load(save_run(tmp_path_factory.mktemp("run")), "cpu")


@pytest.mark.parametrize(
    ("image", "boxes"),
    [
        (Image.fromarray(IMAGE), BOX),
        (torch.from_numpy(IMAGE), BOX),
        (IMAGE, torch.tensor(BOX, dtype=torch.float32, requires_grad=True)),
        (IMAGE, torch.tensor(BOX)),
        # Invented: Pillow's other modes, a view that is not contiguous, a tuple.
        (Image.fromarray(IMAGE).convert("RGBA"), np.array(BOX, dtype=np.float16)),
        (np.asfortranarray(IMAGE), tuple(map(tuple, BOX))),
        (torch.from_numpy(IMAGE.transpose(2, 0, 1).copy()).permute(1, 2, 0), BOX[0]),
    ],
)
def test_arrays_of_other_libraries_give_the_same_pose(predictor, image, boxes):
    np.testing.assert_allclose(predictor(image, boxes).joints, predictor(IMAGE, BOX).joints, atol=1e-4)
    drawn = predictor(IMAGE, BOX).draw(image)
    assert np.array_equal(drawn, predictor(IMAGE, BOX).draw(IMAGE))


@pytest.mark.parametrize("several", [iter, tuple, list, lambda images: (image for image in images)])
def test_several_images_are_a_list_however_they_come(predictor, several):
    first, second = predictor(several([IMAGE, Image.fromarray(IMAGE)]), several([BOX, None]))
    np.testing.assert_allclose(first.joints, predictor(IMAGE, BOX).joints, atol=1e-4)
    assert second.boxes.tolist() == [[0, 0, 64, 48]]


@pytest.mark.parametrize(
    ("images", "boxes", "says"),
    [
        (None, BOX, "image 0: None; was the file read?"),
        (cv2.UMat(IMAGE), BOX, "image 0: a UMat"),
        (b"\xff\xd8\xff", BOX, "image 0: a bytes"),
        (io.BytesIO(b"\xff\xd8\xff"), BOX, "image 0: a BytesIO"),
        ([IMAGE, None], None, "image 1: None; was the file read?"),
        ("a\0b.jpg", None, "a\0b.jpg: cannot be read"),
        ("http://x/y.jpg", None, "http://x/y.jpg: cannot be read"),
        # Invented: a batch's dictionary, a batch, a set of names.
        ({"image": IMAGE}, BOX, "image 0: a dict"),
        (torch.zeros(2, 48, 64, 3, dtype=torch.uint8), BOX, r"image 0: an array of uint8 \(2, 48, 64, 3\)"),
        ({"a.jpg"}, None, "image 0: a set"),
        ([IMAGE], 5, "image 0: boxes of shape"),
        (IMAGE, "whole", "image 0: boxes are no array of numbers"),
        (IMAGE, [[torch.tensor(1.0, requires_grad=True)] * 2], "image 0: boxes"),
    ],
)
def test_what_is_no_image_or_box_is_called_by_its_name(predictor, images, boxes, says):
    with pytest.raises(PoseError, match=says):
        predictor(images, boxes)


@pytest.mark.parametrize(
    ("image", "says"), [("a.jpg", "a.jpg: cannot be read"), (7, "image 0: a int"), ([IMAGE], "a list")]
)
def test_poses_are_drawn_on_images_alone(predictor, image, says):
    with pytest.raises(PoseError, match=says):
        predictor(IMAGE, BOX).draw(image)

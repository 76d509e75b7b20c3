import cv2
import numpy as np
import pytest

from checkpoints.errors import PoseError
from ief.inference.images import ImageBox, find_images, predict_boxes, read_list
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.images.decode import decode_image, warp

SIZE = 32


def brightest(crops):
    """A network whose joints are all at the mean color's (R, G) / 8, in crop pixels."""
    means = crops.reshape(len(crops), -1, 3).mean(axis=1)[:, None, :2] / 8
    return np.repeat(means, 16, axis=1)[None]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(7):
        small = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        image = cv2.resize(small, (90 + 10 * number, 70), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


def one_by_one(boxes):
    """The poses by hand: decode whole, warp, predict, map back."""
    poses = []
    for box in boxes:
        image = decode_image(box.path.read_bytes(), str(box.path))
        height, width = image.shape[:2]
        scale = box.scale or max(width, height) / 250
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        center = np.add(box.center, (0, 15 * scale)) if box.center else middle
        matrix = crop_matrices(center[None], np.array([250 * scale]), SIZE)
        poses.append(apply_affine(invert_affine(matrix), brightest(warp(image, matrix[0], SIZE)[None])[-1])[0])
    return np.stack(poses)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_pipeline_gives_what_one_image_at_a_time_gives_in_order(folder, batch_size):
    boxes = find_images([folder])
    boxes[2:3] = [ImageBox(boxes[2].path, (40.0, 30.0), 0.2), ImageBox(boxes[2].path, (60.0, 20.0), 0.3)]
    people, poses = predict_boxes(brightest, boxes, SIZE, batch_size)
    np.testing.assert_allclose(poses, one_by_one(boxes), atol=0.2)
    assert list(people.person_ids) == [f"{n}.png#{r}" for n in range(7) for r in ((1, 2) if n == 2 else (1,))]
    assert np.ptp(poses[:, 0, 0]) > 1  # the images differ, so their order shows


def test_a_list_names_people_by_line(folder):
    listing = folder / "people.tsv"
    listing.write_text("0.png\t40\t30\t0.2\n\n3.png\n")
    assert read_list(listing) == [ImageBox(folder / "0.png", (40.0, 30.0), 0.2), ImageBox(folder / "3.png")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.png\t1\t2\n", "line 1: expected"),
        ("0.png\n1.png\t1\t2\tnan\n", "line 2: expected"),
        ("0.png\t1\t2\t0\n", "scale above 0"),
        ("gone.png\n", "gone.png: no such file"),
        ("\n", "names no image"),
    ],
)
def test_a_bad_list_is_named_with_its_line(folder, text, message):
    listing = folder / "people.tsv"
    listing.write_text(text)
    with pytest.raises(PoseError, match=message):
        read_list(listing)


def test_a_truncated_image_among_many_is_named(folder):
    (folder / "4.png").write_bytes((folder / "4.png").read_bytes()[:100])
    with pytest.raises(PoseError, match=r"4\.png"):
        predict_boxes(brightest, find_images([folder]), SIZE, 2)
    with pytest.raises(PoseError, match=r"no image .* in this folder"):
        (folder / "empty").mkdir()
        find_images([folder / "empty"])

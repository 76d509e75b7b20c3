import cv2
import numpy as np
import pytest

from checkpoints.errors import BadInput
from ief.inference.images import PhotoBox, find_photos, predict_boxes, read_list
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.images.decode import decode_photo, warp

SIZE = 32


def brightest(crops):
    """A network whose joints all lie at the mean colour's place: (R, G) / 8 crop pixels."""
    means = crops.reshape(len(crops), -1, 3).mean(axis=1)[:, None, :2] / 8
    return np.repeat(means, 16, axis=1)[None]


@pytest.fixture
def folder(tmp_path):
    draw = np.random.default_rng(0)
    for number in range(7):
        small = draw.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        photo = cv2.resize(small, (90 + 10 * number, 70), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / f"{number}.png"), photo)
    (tmp_path / "notes.txt").write_text("not a photo")
    return tmp_path


def one_by_one(boxes):
    """The poses by hand: decode whole, warp, predict, map back."""
    poses = []
    for box in boxes:
        photo = decode_photo(box.path.read_bytes(), str(box.path))
        height, width = photo.shape[:2]
        scale = box.scale or max(width, height) / 250
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        centre = np.add(box.centre, (0, 15 * scale)) if box.centre else middle
        matrix = crop_matrices(centre[None], np.array([250 * scale]), SIZE)
        poses.append(apply_affine(invert_affine(matrix), brightest(warp(photo, matrix[0], SIZE)[None])[-1])[0])
    return np.stack(poses)


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_the_pipeline_gives_what_one_photo_at_a_time_gives_in_order(folder, batch):
    boxes = find_photos([folder])
    boxes[2:3] = [PhotoBox(boxes[2].path, (40.0, 30.0), 0.2), PhotoBox(boxes[2].path, (60.0, 20.0), 0.3)]
    people, poses = predict_boxes(brightest, boxes, SIZE, batch)
    np.testing.assert_allclose(poses, one_by_one(boxes), atol=0.2)
    assert list(people.person_ids) == [f"{n}.png#{r}" for n in range(7) for r in ((1, 2) if n == 2 else (1,))]
    assert np.ptp(poses[:, 0, 0]) > 1  # the photos differ, so their order shows


def test_a_list_names_persons_by_line(folder):
    listing = folder / "people.tsv"
    listing.write_text("0.png\t40\t30\t0.2\n\n3.png\n")
    assert read_list(listing) == [PhotoBox(folder / "0.png", (40.0, 30.0), 0.2), PhotoBox(folder / "3.png")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0.png\t1\t2\n", "line 1: expected"),
        ("0.png\n1.png\t1\t2\tnan\n", "line 2: expected"),
        ("0.png\t1\t2\t0\n", "scale above 0"),
        ("gone.png\n", "gone.png: no such file"),
        ("\n", "names no photo"),
    ],
)
def test_a_bad_list_is_named_with_its_line(folder, text, says):
    listing = folder / "people.tsv"
    listing.write_text(text)
    with pytest.raises(BadInput, match=says):
        read_list(listing)


def test_a_torn_photo_among_many_is_named(folder):
    (folder / "4.png").write_bytes((folder / "4.png").read_bytes()[:100])
    with pytest.raises(BadInput, match=r"4\.png"):
        predict_boxes(brightest, find_photos([folder]), SIZE, 2)
    with pytest.raises(BadInput, match=r"no photo .* in this folder"):
        (folder / "empty").mkdir()
        find_photos([folder / "empty"])

"""Whatever people call an image becomes the same pixels."""

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from untrained import make_cascade

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.inference.pixels import read_image

RGB = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8), (90, 70))
GRAY = RGB[..., 1]
ALPHA = np.dstack([RGB, GRAY])


def turned(image):
    """A PIL image that lies on its side, and says so."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(image).copy()).save(file, "png", exif=exif)
    return Image.open(io.BytesIO(file.getvalue()))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "image.png"
    Image.fromarray(RGB).save(path)
    return path


COLOR = {
    "array": RGB,
    "RGBA": ALPHA,
    "read-only": np.broadcast_to(RGB, RGB.shape),
    "mirrored view": RGB[:, ::-1].copy()[:, ::-1],
    "float32": (RGB / 255).astype(np.float32),
    "float64 of 0..1": RGB / 255,
    "PIL": Image.fromarray(RGB),
    "PIL RGBA": Image.fromarray(ALPHA),
    "PIL turned by EXIF": turned(RGB),
    "tensor": torch.from_numpy(RGB).permute(2, 0, 1),
    "tensor (H, W, 3)": torch.from_numpy(RGB),
    "tensor of floats": torch.from_numpy(RGB).permute(2, 0, 1) / 255,
    "tensor with a gradient": (torch.from_numpy(RGB).permute(2, 0, 1) / 255).requires_grad_(),
}
GRAYS = {
    "gray": GRAY,
    "one channel": GRAY[..., None],
    "PIL L": Image.fromarray(GRAY),
    "tensor of one channel": torch.from_numpy(GRAY)[None],
    "tensor (H, W)": torch.from_numpy(GRAY),
}


@pytest.mark.parametrize(("kind", "image"), [*COLOR.items(), *GRAYS.items()])
def test_every_kind_of_image_has_the_same_pixels(kind, image):
    wanted = RGB if kind in COLOR else np.repeat(GRAY[..., None], 3, axis=2)
    pixels = read_image(image)
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous and np.array_equal(pixels, wanted)


@pytest.mark.parametrize("as_text", [True, False])
def test_a_file_is_found_by_text_path_and_home(file, as_text, monkeypatch):
    monkeypatch.setenv("HOME", str(file.parent))
    for path in (file, f"~/{file.name}"):
        assert np.array_equal(read_image(str(path) if as_text else path), RGB)


def test_black_and_white_is_not_taken_for_almost_black():
    assert read_image(GRAY > 100).max() == 255


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, r"a: None; was the file read\? Give a path"),
        (b"\xff\xd8", "a: a bytes; give a path"),
        (iter([RGB]), "a: a list_iterator; give"),
        (cv2.UMat(RGB), "a: a UMat; give"),
        (RGB.astype(np.float32), r"a: floats from \d to 2\d\d; give them in 0..1"),
        (RGB / 255 - 0.5, "a: floats from -0.48"),
        (np.full((4, 4, 3), np.nan), "a: floats from nan"),
        (RGB.astype(np.int64), r"a: an array of int64 \(70, 90, 3\)"),
        (RGB.astype(np.uint16), "a: an array of uint16"),
        (RGB[None], r"a: an array of uint8 \(1, 70, 90, 3\)"),
        (torch.zeros(2, 70, 90, dtype=torch.uint8), r"an array of uint8 \(2, 70, 90\)"),
        (RGB[:0], r"a: an array of uint8 \(0, 90, 3\)"),
        (np.array(["a", "b"]), "a: an array of <U1"),
    ],
)
def test_what_is_no_image_is_named(image, says):
    with pytest.raises(PoseError, match=says):
        read_image(image, "a")


def test_every_kind_of_image_gives_the_same_joints(file):
    predictor = PosePredictor.of(make_cascade(likelihood=True))
    wanted = predictor(file)
    for poses in predictor([*COLOR.values()]):
        np.testing.assert_allclose(poses.joints, wanted.joints, atol=0.05)
        np.testing.assert_allclose(poses.scores, wanted.scores, atol=1e-3)

"""Whatever people call an image becomes the same pixels."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pictures import encode_picture
from PIL import Image

from checkpoints.errors import PoseError
from ief.inference.pixels import read_image

RGB = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8), (90, 70))
GRAY = RGB[..., 1]
ALPHA = np.dstack([RGB, GRAY])


def turned(image):
    """A PIL image that lies on its side, and says so."""
    return Image.open(io.BytesIO(encode_picture(np.rot90(image).copy(), "PNG", 6)))


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


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_is_found_by_text_path_and_home(tmp_path, kind, monkeypatch):
    Image.fromarray(RGB).save(tmp_path / "image.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (tmp_path / "image.png", "~/image.png"):
        assert np.array_equal(read_image(kind(path)), RGB)


def test_black_and_white_is_not_taken_for_almost_black():
    assert read_image(GRAY > 100).max() == 255


@pytest.mark.parametrize(("image", "says"), [
    (None, r"a: None; was the file read\? Give a path"),
    (b"\xff\xd8", "a: a bytes; give a path"), (iter([RGB]), "a: a list_iterator; give"),
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
])  # fmt: skip
def test_what_is_no_image_is_named(image, says):
    with pytest.raises(PoseError, match=says):
        read_image(image, "a")

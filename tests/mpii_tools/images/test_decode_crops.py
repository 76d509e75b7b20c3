"""Crops from encoded images, decoded at a fraction of their resolution, against the whole image."""

import io

import cv2
import numpy as np
import pytest
import torch
from pictures import encode_picture, smooth_image
from PIL import Image, ImageOps

from checkpoints.errors import PoseError
from mpii_tools.crops import compose_affine, crop_matrices, from_reduced
from mpii_tools.images import decode as images
from mpii_tools.images.decode import cut_crops, decode_crops, decode_image, warp
from mpii_tools.images.header import read_header
from mpii_tools.prepared.augmentation import draw_affines
from mpii_tools.prepared.ranges import Augmentation

ODD = (719, 1283)  # height, width: neither divides by 2


def soft_image(height, width, cell=24):
    return smooth_image(width, height, cells=(width // cell, height // cell))


def encode(image, kind=".jpg"):
    return cv2.imencode(kind, image, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()


def augmented_matrices(sides, size, shape, seed=1):
    """Crops of the given sides about the image's middle, each with a flip, rotation, scale and shift of its own."""
    matrices = crop_matrices(np.tile([shape[1] / 2, shape[0] / 2], (len(sides), 1)), np.array(sides), size)
    affines, flipped = draw_affines(Augmentation(), len(sides), size, torch.Generator().manual_seed(seed))
    assert flipped.any() and not flipped.all()
    return compose_affine(affines.numpy(), matrices)


@pytest.fixture
def reductions(monkeypatch):
    """The reductions at which images were decoded."""
    seen, decode = [], images._decode

    def spy(data, name, reduction):
        seen.append(reduction)
        return decode(data, name, reduction)

    monkeypatch.setattr(images, "_decode", spy)
    return seen


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_reduced_crops_show_what_full_decoding_shows(reduction, reductions):
    """Also shown: a quarter of a reduced pixel beside it, the two differ more."""
    size, shape = 64, ODD
    data = encode(soft_image(*shape, cell=8 * reduction))
    matrices = augmented_matrices([size * reduction * 1.3] * 4, size, shape)
    crops = decode_crops(data, "a.jpg", matrices, size)
    assert reductions == [reduction]

    def distance(shift):
        moved = matrices + np.array([[0, 0, shift], [0, 0, shift]])
        plain = np.stack([blurred_warp(decode_image(data, "a.jpg"), matrix, size, reduction) for matrix in moved])
        return np.abs(crops.astype(float) - plain).mean()

    assert distance(0.0) < 1.0
    assert min(distance(-0.25), distance(0.25)) > 2 * distance(0.0)


def blurred_warp(image, matrix, size, reduction):
    """The plain twin: every pixel of the whole image averaged with its neighbors, then one warp."""
    if reduction > 1:
        # An even window is half a pixel off its anchor; the matrix is moved by as much.
        image = cv2.blur(image, (reduction, reduction), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
        matrix = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2].sum(1) * (reduction - 1) / 2])
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=images.FILL)


def test_an_image_is_never_decoded_coarser_than_its_finest_crop(reductions):
    data = encode(soft_image(*ODD))
    for sides, expected in (([500.0], 4), ([500.0, 230.0], 2), ([500.0, 100.0], 1), ([2000.0, 900.0], 8), ([64.0], 1)):
        middle = np.tile([640.0, 360.0], (len(sides), 1))
        assert decode_crops(data, "a.jpg", crop_matrices(middle, np.array(sides), 100), 100).shape[0] == len(sides)
        assert reductions.pop() == expected


def test_other_images_are_averaged_as_a_jpeg_is_reduced():
    """A PNG is decoded whole: the means over squares, then the warp; a crop as fine as the image is a warp alone."""
    image = soft_image(*ODD)
    for data, side, reduction in ((encode(image, ".png"), 900.0, 4), (encode(image), 150.0, 1)):
        matrices = augmented_matrices([side * 0.9] * 4, 100, ODD)
        assert images.coarsest_reduction(matrices) == reduction
        whole = decode_image(data, "a").astype(float)
        height, width = (-(-length // reduction) for length in ODD)
        padded = np.pad(whole, ((0, height * reduction - ODD[0]), (0, width * reduction - ODD[1]), (0, 0)), "edge")
        means = padded.reshape(height, reduction, width, reduction, 3).mean((1, 3)).round().astype(np.uint8)
        expected = [warp(means, from_reduced(matrix, reduction, reduction), 100) for matrix in matrices]
        crops = decode_crops(data, "a", matrices, 100)
        assert np.abs(crops.astype(int) - np.stack(expected)).max() <= 1
        assert np.array_equal(crops, next(cut_crops(decode_image(data, "a"), matrices, 100, 9)))


def test_exif_is_ignored_when_reduced_and_colors_are_rgb():
    image = np.zeros((400, 600, 3), np.uint8)
    image[:, :300, 2] = 255  # OpenCV writes BGR: red on the left
    data = encode(image)
    turned = bytes.fromhex("ffe1002245786966000049492a0008000000010012010300010000000600000000000000")
    matrices = crop_matrices(np.array([[299.5, 199.5]]), np.array([400.0]), 50)
    for encoded in (data, data[:2] + turned + data[2:]):
        crop = decode_crops(encoded, "a.jpg", matrices, 50)[0]
        assert (crop[25, 5] > [240, -1, -1]).all() and (crop[25, 5, 1:] < 15).all() and crop[25, 45].max() < 15


ARROW = np.zeros((60, 90, 3), np.uint8)  # no two of its eight orientations look alike
ARROW[10:20, 5:70], ARROW[30:50, 5:15] = (250, 40, 40), (40, 250, 40)
BEST = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_turns_an_image_as_pillow_turns_it_when_asked(kind, orientation):
    data = encode_picture(ARROW, kind, orientation, **BEST.get(kind, {}))
    header, upright = read_header(data, "a"), decode_image(data, "a", upright=True)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")).astype(int)
    assert header.orientation == (orientation if kind != "TIFF" else 1)
    assert header.upright_size == upright.shape[1::-1] == expected.shape[1::-1]
    assert np.abs(upright - expected).max() <= 2  # two decoders of JPEG
    assert decode_image(data, "a").shape == ((60, 90, 3) if kind != "TIFF" else upright.shape)
    matrices = crop_matrices(np.array([[30.0, 25.0]]), np.array([40.0]), 40)
    crops = decode_crops(data, "a", matrices, 40, upright=True)
    assert np.abs(crops.astype(int) - next(cut_crops(upright, matrices, 40, 9))).max() <= 2


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "TIFF"])
def test_other_kinds_are_read_and_refused_when_cut_off(kind):
    data = encode_picture(ARROW, kind, **BEST.get(kind, {}))
    assert read_header(data, "a").kind == kind
    np.testing.assert_array_equal(decode_image(data, "a"), ARROW)
    for short in (data[: len(data) // 2], data[: len(data) - 40]):
        with pytest.raises(PoseError, match=r"b\.img: .* cannot be decoded"):
            decode_image(short, "b.img")


def test_gray_and_16_bit_images_of_the_other_kinds_become_rgb():
    gray = np.linspace(0, 65535, 60 * 90).reshape(60, 90).astype(np.uint16)
    data = encode_picture(gray, "TIFF")
    assert read_header(data, "a").oddities() == ["grey images, used as RGB", "images of 16 bits, reduced to 8"]
    np.testing.assert_array_equal(decode_image(data, "a"), np.repeat((gray >> 8)[..., None], 3, axis=-1))


@pytest.mark.parametrize("shape", [(40, 33_000), (33_000, 40)])
def test_a_long_image_is_warped_as_a_piece_of_it(shape):
    """Of its own 33,000 px OpenCV before 5 warps none."""
    image = np.random.default_rng(0).integers(0, 255, (*shape, 4), dtype=np.uint8)
    along = int(shape[0] > shape[1])  # x or y
    for place, start in ((0, 0), (16_000, 15_000), (32_990, 31_000)):
        center, shift = np.full((1, 2), 20.0), np.zeros(2)
        center[0, along], shift[along] = place, start
        piece = image[start : start + 2000] if along else image[:, start : start + 2000]
        part, alone = (warp(pixels, crop_matrices(middle, np.array([50.0]), 32)[0], 32)
                       for pixels, middle in ((image, center), (piece, center - shift)))  # fmt: skip
        assert np.abs(part.astype(int) - alone).max() <= 8 and np.ptp(part) > 99

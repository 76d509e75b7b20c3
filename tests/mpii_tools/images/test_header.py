"""What an image says of itself: against Pillow's encoder, and files that are corrupt, foreign or claim too much."""

import io

import cv2
import numpy as np
import pytest
from pictures import claim_size, encode_picture
from PIL import Image

from checkpoints.errors import PoseError
from mpii_tools.images.decode import decode_image
from mpii_tools.images.header import read_header

PIXELS = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 8, 3)).astype(np.uint8), (80, 60))


def encode(mode: str, kind: str, **options) -> bytes:
    return encode_picture(Image.fromarray(PIXELS).convert(mode), kind, **options)


SIXTEEN = cv2.imencode(".png", PIXELS[..., ::-1].astype(np.uint16) * 257)[1].tobytes()


@pytest.mark.parametrize(("data", "oddities"), [
    (encode("RGB", "JPEG"), []), (encode("RGB", "JPEG", progressive=True), []),
    *((encode(mode, "PNG"), []) for mode in ("RGB", "RGBA", "P")),
    *((encode(mode, kind), ["grey"]) for mode, kind in (("L", "JPEG"), ("LA", "PNG"), ("1", "PNG"))),
    (encode("CMYK", "JPEG", quality=95), ["CMYK"]),
    (SIXTEEN, ["16 bits"]),
    *((encode("RGB", kind, orientation=6), ["EXIF"]) for kind in ("JPEG", "PNG")),
])  # fmt: skip
def test_odd_images_are_named_and_decoded_as_by_pillow(data, oddities):
    header = read_header(data, "a")
    assert (header.width, header.height) == (80, 60)
    found = header.oddities()
    assert len(found) == len(oddities) and all(word in what for word, what in zip(oddities, found, strict=True))
    pillow = PIXELS if "16 bits" in oddities else np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.abs(decode_image(data, "a").astype(int) - pillow).mean() < 2


@pytest.mark.parametrize("data", [encode("RGB", "JPEG"), encode("RGB", "JPEG", progressive=True), encode("RGB", "PNG")])
def test_every_truncated_image_is_bad_input(data):
    for end in range(0, len(data) - 1, 7):
        with pytest.raises(PoseError, match=rf"^a\.jpg: {end:,} bytes that cannot be decoded"):
            read_header(data[:end], "a.jpg")


def test_every_flipped_bit_of_a_png_is_found():
    data = encode("RGB", "PNG")
    for place in range(0, 8 * len(data), 41):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(PoseError):
            decode_image(bytes(flipped), "a")


def test_an_image_that_claims_too_much_is_not_decoded():
    with pytest.raises(PoseError, match="65,535 x 65,535 pixels, more than the 64 million"):
        decode_image(claim_size(encode("RGB", "JPEG"), b"\xff\xff"), "a")
    scans = claim_size(encode("RGB", "JPEG", progressive=True), b"\x1f\xff")
    first = scans.index(b"\xff\xda")
    scan = scans[first : scans.index(b"\xff", first + 14)]
    with pytest.raises(PoseError, match=r"8,191 x 8,191 pixels in \d+ scans"):
        decode_image(scans[:-2] + 20 * scan + b"\xff\xd9", "a")


@pytest.mark.parametrize(("data", "says"), [
    (b"", "empty"),
    (b"GIF89a" * 9, "begins with b'GIF89aGI'"),
    (b"\xff\xd8\xff\xd9", "4 bytes that cannot be decoded"),
    (b"\x89PNG\r\n\x1a\n" + bytes.fromhex("0000000049454e44ae426082"), "20 bytes that cannot be decoded"),
])  # fmt: skip
def test_what_is_no_image_is_said(data, says):
    with pytest.raises(PoseError, match=says):
        read_header(data, "a.jpg")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_corrupt_exif_block_is_no_rotation_and_harms_no_pixel():
    data = encode("RGB", "JPEG", orientation=6)
    directory = data.index(b"Exif") + 14
    corrupt = data[:directory] + b"\xff" * 6 + data[directory + 6 :]
    assert read_header(data, "a").orientation == 6 and read_header(corrupt, "a").orientation == 1
    assert np.array_equal(decode_image(corrupt, "a"), decode_image(data, "a"))


@pytest.mark.parametrize(("highest", "usable"), [(1.0, True), (0.5, True), (255.0, False), (np.nan, False)])
def test_floats_in_0_to_1_are_scaled_and_said(highest, usable):
    grey = np.linspace(0, 1, 80 * 60, dtype=np.float32).reshape(60, 80) * highest
    data = encode_picture(grey, "TIFF")
    assert ["floats" in oddity for oddity in read_header(data, "a").oddities()] == [True]
    if usable:
        np.testing.assert_allclose(decode_image(data, "a")[..., 1], 255 * grey, atol=0.5)
    else:
        with pytest.raises(PoseError, match="a: floats"):
            decode_image(data, "a")

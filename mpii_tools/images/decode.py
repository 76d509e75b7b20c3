"""Images: decoding their bytes, no finer than needed, and warping people's squares out of them."""

from __future__ import annotations

import cv2
import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.crops import from_reduced, zoom_of
from mpii_tools.images.header import ImageHeader, read_header

# What is outside the image is filled with ImageNet's mean color: 0 once the input is normalized.
FILL = (124, 116, 104)
# Flags by reduction: OpenCV names none for reduced RGB, but reads the size and the colors from different bits.
RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
SMALLER = {8: cv2.IMREAD_REDUCED_GRAYSCALE_8, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2}
REDUCED = {**{reduction: RGB | flag for reduction, flag in SMALLER.items()}, 1: RGB}


def decode_image(data: bytes, name: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB from encoded bytes. An EXIF rotation is not applied: MPII's coordinates ignore it.

    Grey, CMYK, 16-bit and palette images become 8-bit RGB.

    Raises:
        PoseError: naming `name`, when the bytes are not a whole JPEG or PNG, or one too large to decode.
    """
    read_header(data, name)  # OpenCV believes any size, and takes a JPEG that ends early for a grey image
    return _decode(data, name, 1)


def decode_crops(
    data: bytes, name: str, matrices: np.ndarray, size: int, header: ImageHeader | None = None
) -> np.ndarray:
    """The crops of one image's people, from its encoded bytes.

    If every crop is coarser than 1/2, 1/4 or 1/8 of the image, a JPEG is decoded at that resolution straight from its
    DCT coefficients; it is never decoded coarser than the finest crop.

    Args:
        data: the encoded image.
        name: names it in errors.
        matrices: (P, 2, 3) affines from the image's pixels to crop pixels; flips and rotations included.
        size: side of the crops in pixels.
        header: the image's, if it has been read already.

    Returns:
        (P, size, size, 3) uint8 RGB, `FILL` outside the image.

    Raises:
        PoseError: as `decode_image`.
    """
    header = header or read_header(data, name)
    # OpenCV reduces only JPEG by exact averages; a PNG it would skip pixels of.
    reduction = coarsest_reduction(matrices) if header.kind == "JPEG" else 1
    # OpenCV warps four channels faster than three, by more than adding and dropping one takes.
    image = cv2.cvtColor(_decode(data, name, reduction), cv2.COLOR_RGB2RGBA)
    crops = np.empty((len(matrices), size, size, 3), np.uint8)
    for matrix, crop in zip(matrices, crops, strict=True):
        cv2.cvtColor(warp(image, from_reduced(matrix, reduction, reduction), size), cv2.COLOR_RGBA2RGB, dst=crop)
    return crops


def coarsest_reduction(matrices: np.ndarray) -> int:
    """8, 4, 2 or 1: by how much an image may be reduced and still be as fine as each crop of `matrices` (P, 2, 3)."""
    finest = max(map(zoom_of, matrices), default=0.0)
    return next((reduction for reduction in REDUCED if reduction * finest <= 1), 1)


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """The crop (size, size, C) uint8 that the affine `matrix` (2, 3), image to crop pixels, cuts out of `image`.

    A strong reduction is averaged to the nearest whole factor first: bilinear sampling alone would skip pixels.
    """
    shrink = min(int(1 / max(zoom_of(matrix), 1e-9) + 1e-6), *image.shape[:2])
    if shrink >= 2:
        height, width = image.shape[0] // shrink, image.shape[1] // shrink
        matrix = from_reduced(matrix, image.shape[1] / width, image.shape[0] / height)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=FILL
    )


def _decode(data: bytes, name: str, reduction: int) -> np.ndarray:
    """RGB from bytes whose header has been read, at 1 / `reduction` of the resolution, rounded up for a JPEG."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[reduction])
    except cv2.error:
        image = None
    if image is None:
        raise PoseError(
            f"{name}: {len(data):,} bytes that cannot be decoded as a JPEG or PNG (damaged inside); replace the file"
        )
    return image

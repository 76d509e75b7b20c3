"""Images: decoding their bytes, no finer than needed, and warping people's squares out of them."""

from collections.abc import Callable
from contextlib import suppress

import cv2
import numpy as np
from PIL.Image import Image

from checkpoints.errors import PoseError
from mpii_tools.crops import compose_affine, from_reduced, zoom_of
from mpii_tools.images.header import JPEG, KINDS, MIRRORED, PNG, TURNED, ImageHeader, open_rare, read_header

# What is outside the image is filled with ImageNet's mean color: 0 once the input is normalized.
FILL = (124, 116, 104)
# Flags by reduction: OpenCV names none for reduced RGB, but reads the size and the colors from different bits.
RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
REDUCED = {
    8: RGB | cv2.IMREAD_REDUCED_GRAYSCALE_8, 4: RGB | cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: RGB | cv2.IMREAD_REDUCED_GRAYSCALE_2, 1: RGB,
}  # fmt: skip

LoadImage = Callable[[str], np.ndarray]  # an image by name, (H, W, 3) uint8 RGB; raises PoseError if it cannot


def image_loader(read: Callable[[str], bytes], upright: bool = False) -> LoadImage:
    """Loads images whose bytes `read` gives by name, such as `images.sources.open_images`; as `decode_image`."""
    return lambda name: decode_image(read(name), name, upright)


def decode_image(data: bytes, name: str, upright: bool = False) -> np.ndarray:
    """(H, W, 3) uint8 RGB from encoded bytes.

    Grey, CMYK, 16-bit and palette images become 8-bit RGB.

    Args:
        upright: apply EXIF's rotation. Annotated images are used without it: MPII's coordinates ignore it.

    Raises:
        PoseError: naming `name`, when the bytes are not a whole image, or one too large to decode.
    """
    header = read_header(data, name)  # OpenCV believes any size, and takes a JPEG that ends early for a grey image
    image = _decode(data, name, 1)
    if not upright:
        return image
    if header.orientation in TURNED:
        image = image.swapaxes(0, 1)
    x_step, y_step = (-1 if header.orientation in mirrored else 1 for mirrored in MIRRORED)
    return np.ascontiguousarray(image[::y_step, ::x_step])


def decode_crops(
    data: bytes, name: str, matrices: np.ndarray, size: int, header: ImageHeader | None = None, upright: bool = False
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
        upright: whether the image's pixels, in `matrices`, are those after EXIF's rotation.

    Returns:
        (P, size, size, 3) uint8 RGB, `FILL` outside the image.

    Raises:
        PoseError: naming `name`, when the bytes are not a whole image, or one too large to decode.
    """
    header = header or read_header(data, name)
    if upright and header.orientation != 1:
        matrices = compose_affine(matrices, header.upright)
    reduction = coarsest_reduction(matrices)
    if header.kind == "JPEG":
        return warp_all(_decode(data, name, reduction), matrices, size, reduction)
    return cut_crops(_decode(data, name, 1), matrices, size)


def cut_crops(image: np.ndarray, matrices: np.ndarray, size: int) -> np.ndarray:
    """The crops that affines cut out of a decoded image.

    Args:
        image: (H, W, 3) uint8 RGB.
        matrices: (P, 2, 3) affines from the image's pixels to crop pixels.
        size: side of the crops in pixels.

    Returns:
        (P, size, size, 3) uint8 RGB, `FILL` outside the image.
    """
    # As a JPEG is decoded at that resolution: means over squares of `reduction` pixels, and sizes that round up.
    if (reduction := coarsest_reduction(matrices)) > 1:
        bottom, right = (-side % reduction for side in image.shape[:2])
        image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        image = cv2.resize(image, None, fx=1 / reduction, fy=1 / reduction, interpolation=cv2.INTER_AREA)
    return warp_all(image, matrices, size, reduction)


def warp_all(image: np.ndarray, matrices: np.ndarray, size: int, reduction: int) -> np.ndarray:
    """The crops (P, size, size, 3) that affines of the whole image's pixels cut out of a reduced one."""
    # OpenCV warps four channels faster than three, by more than adding and dropping one takes.
    image = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
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
    image = None
    with suppress(Exception):  # Pillow reports damage through any error
        if data.startswith((JPEG, PNG)):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[reduction])
        else:
            image = open_rare(data).copy()  # which decodes it
    if image is None:
        raise PoseError(f"{name}: {len(data):,} bytes that cannot be decoded as a {KINDS} (damaged inside); replace it")
    return convert_picture(image, name) if isinstance(image, Image) else image


def convert_picture(picture: Image, name: str) -> np.ndarray:
    """A picture of Pillow's as (H, W, 3) uint8 RGB, 16 bits reduced to 8. Raises PoseError as `scale_floats` does."""
    if picture.mode not in ("F", "I") and not picture.mode.startswith("I;16"):
        return np.array(picture.convert("RGB"))
    grey = scale_floats(np.asarray(picture), name) if picture.mode == "F" else np.asarray(picture)
    grey = grey >> 8 if picture.mode.startswith("I;16") or grey.max() > 255 else grey
    if grey.min() < 0 or grey.max() > 255:
        raise PoseError(f"{name}: numbers of 32 bits, which have no brightest one; give it in 8 or 16")
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)


def scale_floats(array: np.ndarray, name: str) -> np.ndarray:
    """Floats in 0..1 as uint8 of 0..255. Raises PoseError, naming the image and their range, for others."""
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # NaN included
        raise PoseError(f"{name}: floats from {low:g} to {high:g}; give them in 0..1, or 0..255 as uint8")
    return np.rint(array * 255).astype(np.uint8)

"""Photos: decoding their bytes, and warping a person's square out of them."""

from __future__ import annotations

import cv2
import numpy as np

from heads.errors import BadInput

# What lies outside the photo is filled with ImageNet's mean colour: 0 once the input is normalised.
FILL = (124, 116, 104)


def decode_photo(data: bytes, name: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB from encoded bytes. An EXIF rotation is not applied: MPII's coordinates ignore it.

    Raises:
        BadInput: naming `name`, when the bytes are no image that can be decoded.
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        photo = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        photo = None
    if photo is None:
        raise BadInput(f"{name}: {len(data):,} bytes that cannot be decoded as an image; replace the file")
    return cv2.cvtColor(photo, cv2.COLOR_BGR2RGB)


def warp(photo: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """The crop (size, size, 3) uint8 that the affine `matrix` (2, 3), image to crop pixels, cuts out of `photo`.

    A strong reduction is averaged to the nearest whole factor first: bilinear sampling alone would skip pixels.
    """
    zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    shrink = min(int(1 / max(zoom, 1e-9) + 1e-6), *photo.shape[:2])
    if shrink >= 2:
        height, width = photo.shape[0] // shrink, photo.shape[1] // shrink
        factors = np.array([photo.shape[1] / width, photo.shape[0] / height])
        photo = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
        # A pixel centre p of the reduced photo lies at (p + 1/2) f - 1/2 of the whole one.
        enlarge = np.concatenate([np.diag(factors), (factors / 2 - 0.5)[:, None]], axis=1)
        matrix = matrix[:, :2] @ enlarge + np.array([[0, 0, 1.0]]) * matrix[:, 2:]
    return cv2.warpAffine(
        photo, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=FILL
    )

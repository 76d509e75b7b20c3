"""What people call an image, as (H, W, 3) uint8 RGB: paths, PIL images, arrays and tensors of the usual kinds."""

import os

import numpy as np

from checkpoints import PoseError
from ief.inference.boxes import to_array

KINDS = "give a path, PIL image, array (H, W, 3) uint8 RGB (or gray, RGBA, floats in 0..1), or tensor (3, H, W)"


def read_image(image: object, name: str = "image") -> np.ndarray:
    """An image as (H, W, 3) uint8 RGB; a file is turned as its EXIF data ask, and transparency is dropped.

    Args:
        image: a path; a PIL image; an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), or a torch tensor, which may
            have its channels first, (C, H, W), of uint8 or bool, or of floats in 0..1.
        name: in messages.

    Raises:
        PoseError: a file that is no image, or something else, naming what it is.
    """
    from mpii_tools.images.decode import convert_picture, decode_image  # OpenCV

    if isinstance(image, (str, os.PathLike)):
        # In full: a JPEG's own reduction, which `ief prepare` uses for its speed, moves joints by a pixel.
        return decode_image(read_bytes(image), str(image), upright=True)
    try:
        if hasattr(image, "convert") and hasattr(image, "getexif"):  # PIL's, whichever version
            from PIL import ImageOps

            return convert_picture(ImageOps.exif_transpose(image), name)
        array = to_array(image)
    except PoseError:
        raise
    except Exception as error:  # what is closed or cut off, or of numbers that NumPy has not
        raise PoseError(f"{name}: a {type(image).__name__} that cannot be read ({error}); {KINDS}") from error
    if not isinstance(array, np.ndarray):
        kind = "None; was the file read?" if image is None else f"a {type(image).__name__};"
        raise PoseError(f"{name}: {kind} {KINDS[0].upper() if image is None else KINDS[0]}{KINDS[1:]}")
    if array is not image and array.ndim == 3 and array.shape[0] in (1, 3, 4):  # a tensor with its channels first
        array = np.moveaxis(array, 0, -1)
    return to_rgb(array, name)


def to_rgb(array: np.ndarray, name: str) -> np.ndarray:
    """An array of the kinds of `read_image` as (H, W, 3) uint8. Raises PoseError for another one."""
    shape = array.shape
    if np.ma.is_masked(array):
        raise PoseError(f"{name}: an array {shape} with masked pixels, which show nothing; fill them: array.filled(0)")
    array = array[..., None] if array.ndim == 2 else array
    known = array.dtype in (np.uint8, bool) or array.dtype.kind == "f"
    if not known or array.ndim != 3 or array.shape[2] not in (1, 3, 4) or not array.size:
        raise PoseError(f"{name}: an array of {array.dtype} {shape}; {KINDS}")
    if array.dtype.kind == "f":
        from mpii_tools.images.decode import scale_floats

        array = scale_floats(array, name)
    elif array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array[..., :3])


def read_bytes(path: str | os.PathLike) -> bytes:
    """The bytes of a file. Raises PoseError, naming it as it was given, if it cannot be read."""
    try:
        with open(os.path.expanduser(path), "rb") as file:  # a Path("") is this folder, the text "" is nothing
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a name that none can have
        name, reason = path or "''", getattr(error, "strerror", error)
        raise PoseError(f"{name}: cannot be read ({reason}); check the path") from error

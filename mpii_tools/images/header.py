"""What is known of an image before it is decoded: its size, its kind of pixels, and whether it is whole.

Pillow parses it. Ours is what Pillow leaves out: whether the file goes as far as its end mark (OpenCV takes a JPEG that
is cut off for a grey picture), and how many scans a progressive JPEG has, each of which costs a decoder every pixel.
"""

import io
import re
import warnings
from dataclasses import dataclass

import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.Image import Exif, Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from checkpoints.errors import PoseError

# An image of 64 Mpx takes 0.2 GB decoded and under a second; a file that claims more is a mistake or an attack.
MAX_PIXELS = 2**26
# A progressive JPEG is refined scan by scan: real ones have about ten.
MAX_SCANNED_PIXELS = 2**30

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
JPEG_END, PNG_END = b"\xff\xd9", b"\0\0\0\0IEND\xae\x42\x60\x82"
# The other kinds, which Pillow decodes too: how their bytes begin, and what reads them.
RARE = {
    re.compile(rb"RIFF....WEBP", re.DOTALL): WebPImageFile,
    re.compile(rb"BM"): BmpImageFile,
    re.compile(rb"II\*\0|MM\0\*"): TiffImageFile,
}
KINDS = "JPEG, PNG, WebP, BMP or TIFF"
# In entropy-coded data FF is followed by 00 (a data byte) or D0..D7 (a restart); anything else is the next marker.
NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
PNG_BITS = 24  # the byte of a PNG that holds the bits per value
SIZE_TOLERANCE = 1  # pixels, as programs round
ORIENTATION = 0x0112  # EXIF tag; 1 is upright
TURNED, MIRRORED = (5, 6, 7, 8), ((2, 3, 6, 7), (3, 4, 7, 8))  # x and y change places, then x or y runs backwards
# Pillow reads the EXIF of every JPEG; what is damaged there harms no pixel, and its warnings would name no file.
warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")


@dataclass(frozen=True)
class ImageHeader:
    """The header of an image.

    Attributes:
        width, height: pixels.
        mode: Pillow's name of the kind of pixels: L, RGB, CMYK, ...
        bits: per value.
        orientation: EXIF's number, 1 to 8, of how viewers are to turn or mirror the picture; 1 is as it is.
        kind: 'JPEG', 'PNG', 'WEBP', 'BMP' or 'TIFF'.
    """

    width: int
    height: int
    mode: str
    bits: int
    orientation: int
    kind: str

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the picture as viewers show it, turned as EXIF asks."""
        return (self.height, self.width) if self.orientation in TURNED else (self.width, self.height)

    @property
    def upright(self) -> np.ndarray:
        """(2, 3) affine from the stored pixels to those of the picture as viewers show it."""
        matrix = np.eye(2, 3)[[1, 0] if self.orientation in TURNED else [0, 1]]
        for axis, mirrored in enumerate(MIRRORED):
            if self.orientation in mirrored:
                matrix[axis] = [0, 0, self.upright_size[axis] - 1] - matrix[axis]
        return matrix

    def oddities(self, apply_exif: bool = False) -> list[str]:
        """What is unusual about it and harmless: the pixels become 8-bit RGB, an EXIF rotation is applied or not."""
        applied = "applied" if apply_exif else "not applied (as in MPII; --apply-exif would)"
        kinds = {
            "grey images, used as RGB": self.mode[0] in "1LI",  # 1, L, LA, I;16
            "images of floats in 0..1, used as RGB of 0..255": self.mode == "F",
            "CMYK images, converted to RGB": self.mode == "CMYK",
            "images of 16 bits, reduced to 8": self.bits == 16,
            f"images with an EXIF rotation, {applied}": self.orientation != 1,
        }
        return [kind for kind, here in kinds.items() if here]


def read_header(data: bytes, name: str) -> ImageHeader:
    """The header of a whole image of acceptable size; its pixels are not decoded.

    Raises:
        PoseError: naming `name`: empty, of another kind, corrupt (no end mark, or a PNG chunk that fails its checksum),
            or larger than MAX_PIXELS.
    """
    try:
        if data.startswith(JPEG):
            picture, bits = JpegImageFile(io.BytesIO(data)), 8
            scans = _count_scans(data, picture)
        elif data.startswith(PNG):
            picture, bits, scans = PngImageFile(io.BytesIO(data)), data[PNG_BITS], 1
            picture.verify()  # every chunk's checksum but the last one's
            if PNG_END not in data:
                raise ValueError("ends early")
        else:
            picture, scans = open_rare(data), 1
            bits = 16 if "16" in picture.mode else 8
    # Not Image.open, which prints a warning of its own for a large picture; Pillow reports damage through any error.
    except Exception as error:
        raise PoseError(
            f"{name}: {len(data):,} bytes that cannot be decoded as a {KINDS} ({error}); replace it"
        ) from None
    width, height = picture.size
    if width * height > MAX_PIXELS or width * height * scans > MAX_SCANNED_PIXELS:
        pixels = f"{width:,} x {height:,} pixels" + (f" in {scans} scans" if scans > 1 else "")
        raise PoseError(f"{name}: {pixels}, more than the {MAX_PIXELS >> 20} million that are decoded; make it smaller")
    return ImageHeader(width, height, picture.mode, bits, _orientation(picture), picture.format)


def compare_sizes(stated: np.ndarray, header: ImageHeader, apply_exif: bool) -> tuple[bool, str]:
    """Whether labels are on the picture as viewers show it, and how the image differs from the one that was labeled.

    Sizes that are swapped, as CrowdPose has them, or not known, differ in nothing. Those of a picture that EXIF turns
    by 90 degrees tell how it was labeled.

    Args:
        stated: (N, 2) width and height that the annotations of the image's people have; NaN if unknown.
    """
    stored, upright = (header.width, header.height), header.upright_size
    for size in sorted({*map(tuple, stated[np.isfinite(stated).all(axis=1)].tolist())}):  # fewer than numpy is fast for
        near = [
            all(abs(here - there) <= SIZE_TOLERANCE for here, there in zip(size, other, strict=True))
            for other in (stored, upright, stored[::-1])
        ]
        if not any(near):
            return apply_exif, "labeled at {:g} x {:g} pixels, here {} x {}".format(*size, *stored)
        apply_exif |= near[1] and not near[0]
    return apply_exif, ""


def open_rare(data: bytes) -> Image:
    """A WebP, BMP or TIFF as Pillow opens it, not decoded yet. Raises ValueError for other bytes, Pillow's errors."""
    reader = next((reader for start, reader in RARE.items() if start.match(data)), None)
    if reader is None:
        raise ValueError(f"begins with {data[:8]!r}" if data else "empty")
    return reader(io.BytesIO(data))


def _count_scans(data: bytes, picture: JpegImageFile) -> int:
    """Scans of a JPEG up to its end mark. Raises ValueError if there is none."""
    place, scans = len(JPEG) - 1, 0
    while place >= 0 and (marker := NEXT_MARKER.search(data, place)):
        start = marker.start()
        if data[start + 1] == END_OF_IMAGE:
            return scans
        place = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if data[start + 1] == START_OF_SCAN:
            scans += 1
            # The only scan of all channels of a sequential JPEG: the rest is its data and the end mark.
            if "progressive" not in picture.info and data[start + 4 : start + 5] == bytes([picture.layers]):
                place = data.rfind(JPEG_END, place)
    raise ValueError("ends early")


def _orientation(picture: Image) -> int:
    """EXIF's orientation, 1 if there is none; an EXIF block that is corrupt holds none.

    1 for a TIFF too: its own tag says how its rows run, and Pillow, like every reader, follows it.
    """
    if isinstance(picture, TiffImageFile):
        return 1
    exif = Exif()
    try:
        exif.load(picture.info.get("exif"))
        return [*range(9)].index(exif.get(ORIENTATION, 1)) or 1
    except Exception:
        return 1

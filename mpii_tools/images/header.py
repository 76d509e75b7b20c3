"""What a JPEG or PNG says of itself before it is decoded: its size, its kind of pixels, and whether it is whole."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from checkpoints.errors import PoseError

# A image of 64 Mpx takes 0.2 GB decoded and under a second; a file that claims more is a mistake or an attack.
MAX_PIXELS = 2**26
# A progressive JPEG is refined scan by scan, each passing over all pixels: real ones have about ten.
MAX_SCANNED_PIXELS = 2**30

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# In entropy-coded data FF is followed by 00 (a data byte) or D0..D7 (a restart); anything else is the next marker.
NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
END_MARK = b"\xff\xd9"
START_OF_SCAN, END_OF_IMAGE, EXIF_SEGMENT = 0xDA, 0xD9, 0xE1
ORIENTATION = 0x0112  # EXIF tag; 1 is upright
COLORS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # PNG color type -> channels


@dataclass(frozen=True)
class ImageHeader:
    """What the header of a image says.

    Attributes:
        width, height: pixels.
        channels: values a pixel; a JPEG with 4 is CMYK.
        bits: of a value.
        rotated: whether EXIF asks viewers to turn or mirror the picture.
        kind: 'JPEG' or 'PNG'.
    """

    width: int
    height: int
    channels: int
    bits: int
    rotated: bool
    kind: str

    def oddities(self) -> list[str]:
        """What is unusual about it and harmless: the pixels become 8-bit RGB, an EXIF rotation is not applied."""
        found = {
            "grey images, used as RGB": self.channels <= 2,
            "CMYK images, converted to RGB": self.kind == "JPEG" and self.channels == 4,
            "images of 16 bits, reduced to 8": self.bits == 16,
            "images with an EXIF rotation, not applied (as in MPII)": self.rotated,
        }
        return [what for what, here in found.items() if here]


def read_header(data: bytes, name: str) -> ImageHeader:
    """The header of a whole JPEG or PNG of acceptable size; its pixels are not decoded.

    Raises:
        PoseError: naming `name`: empty, of another kind, corrupt (no end mark, or a PNG chunk that fails its checksum),
            or larger than MAX_PIXELS.
    """
    try:
        if data.startswith(JPEG):
            header, scans = _read_jpeg(data)
        elif data.startswith(PNG):
            header, scans = _read_png(data), 1
        else:
            raise ValueError(f"begins with {data[:8]!r}" if data else "empty")
        pixels = header.width * header.height
        if pixels == 0:
            raise ValueError("no pixels")
    except (ValueError, IndexError) as error:
        reason = "ends early" if isinstance(error, IndexError) else str(error)
        raise PoseError(
            f"{name}: {len(data):,} bytes that cannot be decoded as a JPEG or PNG ({reason}); replace the file"
        ) from None
    if pixels > MAX_PIXELS or pixels * scans > MAX_SCANNED_PIXELS:
        scanned = f" in {scans} scans" if scans > 1 else ""
        raise PoseError(
            f"{name}: {header.width:,} x {header.height:,} pixels{scanned}, more than the {MAX_PIXELS / 2**20:.0f} "
            "million that are decoded; make it smaller"
        )
    return header


def _read_jpeg(data: bytes) -> tuple[ImageHeader, int]:
    """Header and number of scans. Raises IndexError where the file ends too early, ValueError for other faults."""
    place, frame, sequential, rotated, scans = 2, None, False, False, 0
    while True:
        place = _next_marker(data, place)  # decoders pass over padding and stray bytes, too
        marker = data[place + 1]
        if marker == END_OF_IMAGE:
            break
        length = int.from_bytes(_take(data, place + 2, 2), "big")
        segment = _take(data, place + 4, length - 2)
        if marker in FRAMES:
            sequential = marker in (0xC0, 0xC1)
            bits, height, width, channels = segment[0], segment[1:3], segment[3:5], segment[5]
            frame = (int.from_bytes(width, "big"), int.from_bytes(height, "big"), channels, bits)
        elif marker == EXIF_SEGMENT and segment.startswith(b"Exif\0\0"):
            rotated = _exif_rotates(segment[6:])
        place += 2 + length
        if marker == START_OF_SCAN:
            scans += 1
            if frame and sequential and segment[0] == frame[2]:  # the only scan: the rest is its data and the end mark
                if data.rfind(END_MARK, place) < 0:
                    raise IndexError
                break
    if frame is None or not scans:
        raise ValueError("a JPEG without a picture")
    return ImageHeader(*frame, rotated, "JPEG"), scans


def _next_marker(data: bytes, place: int) -> int:
    found = NEXT_MARKER.search(data, place)
    if found is None:
        raise IndexError
    return found.start()


def _read_png(data: bytes) -> ImageHeader:
    """Header. Raises as `_read_jpeg` does."""
    place, header, rotated, kind = len(PNG), None, False, b""
    while kind != b"IEND":
        length = int.from_bytes(_take(data, place, 4), "big")
        kind, chunk = _take(data, place + 4, 4), _take(data, place + 8, length)
        if zlib.crc32(kind + chunk) != int.from_bytes(_take(data, place + 8 + length, 4), "big"):
            raise ValueError(f"its chunk at byte {place:,} fails its checksum")
        if kind == b"IHDR":
            color = _take(chunk, 9, 1)[0]
            if color not in COLORS:
                raise ValueError(f"PNG color type {color} does not exist")
            width, height = (int.from_bytes(chunk[at : at + 4], "big") for at in (0, 4))
            header = (width, height, COLORS[color], chunk[8])
        elif kind == b"eXIf":
            rotated = _exif_rotates(chunk)
        place += 12 + length
    if header is None:
        raise ValueError("a PNG without a picture")
    return ImageHeader(*header, rotated, "PNG")


def _exif_rotates(exif: bytes) -> bool:
    """Whether the first directory of an EXIF block (a TIFF header) holds an orientation other than upright."""
    order = {b"II": "little", b"MM": "big"}.get(exif[:2])
    if order is None:
        return False

    def number(at: int, size: int) -> int:
        return int.from_bytes(exif[at : at + size], order)

    start = number(4, 4)
    entries = range(start + 2, start + 2 + 12 * number(start, 2), 12)
    return any(number(at, 2) == ORIENTATION and number(at + 8, 2) not in (0, 1) for at in entries)


def _take(data: bytes, start: int, length: int) -> bytes:
    """`length` bytes from `start`. Raises IndexError where there are fewer, ValueError for a negative length."""
    if length < 0:
        raise ValueError(f"byte {start:,} has an impossible length")
    if start + length > len(data):
        raise IndexError
    return data[start : start + length]

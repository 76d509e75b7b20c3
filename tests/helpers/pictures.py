"""Images and videos to predict on."""

import io
import re

import cv2
import numpy as np
from PIL import Image

from mpii_tools.images.header import ORIENTATION


def smooth_image(width, height, seed=0, cells=(12, 9)):
    """(height, width, 3) uint8: random colors of a few cells, interpolated."""
    small = np.random.default_rng(seed).integers(0, 255, (*cells[::-1], 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def write_picture(path, width=64, height=48):
    """Such an image in a file, in a folder that is made for it; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), smooth_image(width, height))
    return path


def encode_picture(pixels, kind, orientation=1, **options):
    """An image file of an array's or Pillow's picture by Pillow, whose EXIF asks for a turn."""
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file, exif = io.BytesIO(), Image.Exif()
    exif[ORIENTATION] = orientation
    picture.save(file, kind, **({"exif": exif} if orientation != 1 else {}), **options)
    return file.getvalue()


def claim_size(jpeg, side):
    """A JPEG file with another height and width, of two bytes each, in its header."""
    frame = re.search(rb"\xff[\xc0\xc2]", jpeg).end() + 3
    return jpeg[:frame] + 2 * side + jpeg[frame + 4 :]


def draw_clip(path, frames):
    """A video of a disk that moves to the right, 96 x 64 pixels, ten frames a second."""
    codec = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix in (".avi", ".mkv") else "mp4v"))
    writer = cv2.VideoWriter(str(path), codec, 10, (96, 64))
    for number in range(frames):
        frame = np.full((64, 96, 3), 40, np.uint8)
        cv2.circle(frame, (30 + 3 * number, 32), 14, (60, 200, 90), -1)
        writer.write(frame)
    writer.release()

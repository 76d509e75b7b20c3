"""Samples on one core: from big images and from preprocessed crops, decoded, augmented and normalized."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice

import cv2
import numpy as np
import torch
from torch import Tensor

from ief.benchmarks import timing
from ief.benchmarks.timing import Bench
from ief.benchmarks.workload import Workload
from mpii_tools.crops import crop_matrices
from mpii_tools.images.decode import FILL, REDUCED, coarsest_reduction, decode_crops, from_reduced
from mpii_tools.images.sources import open_images
from mpii_tools.prepared.augmentation import Augmentation, draw_affines, normalize_crops, sample_crops

# Side of a person's crop / height of the image: the middles of ten equal parts of 2,257 of MPII's validation people.
SIDES = (0.41, 0.56, 0.67, 0.77, 0.87, 0.99, 1.15, 1.36, 1.66, 2.11)
CENTER, SPREAD = (0.5, 0.58), (0.2, 0.1)  # of their crops' centers, in widths and heights
BARS = {(1280, 720): 1.25, (1920, 1080): 1.35}
READY, BATCH, IMAGES = 320, 16, 10


def benches(workload: Workload) -> Iterator[Bench]:
    """From images and from preprocessed crops, each against plain calls of OpenCV; what Python adds to its work."""
    size = workload.size
    with one_thread():
        if workload.images:
            images = open_images(workload.images)
            encoded = cycle([images(name) for name in sorted(images.places)[:IMAGES]])
            samples = [Samples(list(islice(encoded, IMAGES)), size)]
            yield image_bench(samples[0], f"the images of {workload.images}", None)
        else:
            samples = [Samples(draw_images(width, height), size) for width, height in BARS]
            for (shape, bar), drawn in zip(BARS.items(), samples, strict=True):
                yield image_bench(drawn, "{}x{}".format(*shape), bar)
        yield overhead_bench(samples[0])
        yield ready_bench(size)


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV and torch with one thread."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with timing.one_thread():
            yield
    finally:
        cv2.setNumThreads(threads)


class Samples:
    """Images with a person each.

    Attributes:
        images: N encoded images.
        matrices: (N, 2, 3) affines to their augmented crops.
        size: side of the crops in pixels.
    """

    def __init__(self, images: list[bytes], size: int) -> None:
        draw = np.random.default_rng(0)
        shapes = np.array([plain_decode(image).shape[1::-1] for image in images])
        sides = np.resize(SIDES, len(images)) * shapes[:, 1]
        crops = crop_matrices(draw.normal(CENTER, SPREAD, shapes.shape) * shapes, sides, size)
        self.images, self.matrices, self.size = images, compose(augmentations(len(images), size), crops), size


def image_bench(samples: Samples, name: str, bar: float | None) -> Bench:
    """A normalized batch, a person a image, against full decodes with one warp each."""

    def ours() -> Tensor:
        crops = [
            decode_crops(image, "", matrix[None], samples.size)
            for image, matrix in zip(samples.images, samples.matrices, strict=True)
        ]
        return normalize_crops(torch.from_numpy(np.concatenate(crops)))

    def plain() -> list[np.ndarray]:
        return [
            plain_warp(plain_decode(image), matrix, samples.size)
            for image, matrix in zip(samples.images, samples.matrices, strict=True)
        ]

    return Bench(f"{len(samples.images)} samples, {name} / full decode + warp", ours, plain, bar)


def overhead_bench(samples: Samples) -> Bench:
    """What Python adds: the same samples by the bare calls, everything about them decided beforehand."""
    reductions = [coarsest_reduction(matrix[None]) for matrix in samples.matrices]
    decided = [
        (image, REDUCED[reduction], from_reduced(matrix, reduction, reduction))
        for image, reduction, matrix in zip(samples.images, reductions, samples.matrices, strict=True)
    ]

    def bare() -> Tensor:
        crops = [
            cv2.cvtColor(
                plain_warp(cv2.cvtColor(plain_decode(image, flags), cv2.COLOR_RGB2RGBA), matrix, samples.size),
                cv2.COLOR_RGBA2RGB,
            )
            for image, flags, matrix in decided
        ]
        return normalize_crops(torch.from_numpy(np.stack(crops)))

    name = f"{len(samples.images)} samples from images / their bare OpenCV and torch calls"
    return Bench(name, image_bench(samples, "", None).ours, bare, 0.85)


def ready_bench(size: int) -> Bench:
    """An augmented, normalized batch of prepared crops, against decoding and warping JPEG crops of 320 px."""
    border = size // 4
    image = draw_image(READY, READY, np.random.default_rng(0))
    ready = cv2.resize(image, (size + 2 * border, size + 2 * border), interpolation=cv2.INTER_AREA)
    crops = torch.from_numpy(ready).repeat(BATCH, 1, 1, 1)
    affines = augmentations(BATCH, size)
    jpeg = encode(image)
    matrices = compose(affines, crop_matrices(np.full((BATCH, 2), READY / 2), np.full(BATCH, READY / 1.5), size))

    def ours() -> Tensor:
        return sample_crops(crops, affines, size, border)

    def plain() -> list[np.ndarray]:
        return [plain_warp(plain_decode(jpeg), matrix, size) for matrix in matrices]

    return Bench(f"{BATCH} samples from preprocessed crops / imdecode {READY}x{READY} + warp", ours, plain, 1 / 1.3)


def plain_decode(image: bytes, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """A image as OpenCV decodes it."""
    return cv2.imdecode(np.frombuffer(image, np.uint8), flags)


def plain_warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """One warp, as OpenCV's users write it."""
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=FILL)


def augmentations(count: int, size: int) -> Tensor:
    """(count, 2, 3) affines of the paper's ranges."""
    return draw_affines(Augmentation(), count, size, torch.Generator().manual_seed(0))[0]


def compose(affines: Tensor, matrices: np.ndarray) -> np.ndarray:
    """(N, 2, 3) first `matrices`, then `affines`."""
    linear, shift = affines.numpy()[:, :, :2], affines.numpy()[:, :, 2:]
    return np.concatenate([linear @ matrices[:, :, :2], linear @ matrices[:, :, 2:] + shift], axis=-1)


def draw_images(width: int, height: int) -> list[bytes]:
    """Encoded random pictures that take as many bytes as images of that size and quality."""
    return [encode(draw_image(width, height, np.random.default_rng(seed))) for seed in range(IMAGES)]


def encode(image: np.ndarray) -> bytes:
    """JPEG of quality 90."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def draw_image(width: int, height: int, draw: np.random.Generator) -> np.ndarray:
    """Noise of all sizes, the finer the weaker, as in images: (height, width, 3) uint8."""
    image, cell = np.full((height, width, 3), 118.0, np.float32), float(max(width, height))
    while cell >= 1:
        shape = (max(2, round(height / cell)), max(2, round(width / cell)))
        # Colors vary less than brightness.
        noise = 0.8 * draw.standard_normal((*shape, 1)) + 0.2 * draw.standard_normal((*shape, 3))
        layer = cv2.resize(noise.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        image += 70 * layer * (cell / max(width, height)) ** 0.5
        cell /= 2
    return image.clip(0, 255).astype(np.uint8)

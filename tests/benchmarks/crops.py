"""Samples on one core: from big images and from preprocessed crops, decoded, augmented and normalized.

`python tests/benchmarks/crops.py [FOLDER OF IMAGES]`
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ief.benchmarks.stages import Workload, draw_image
from ief.benchmarks.timing import line
from mpii_tools.crops import compose_affine, crop_matrices, from_reduced
from mpii_tools.images.decode import FILL, REDUCED, coarsest_reduction, decode_crops
from mpii_tools.images.sources import open_images
from mpii_tools.prepared.augmentation import draw_affines, normalize_crops, sample_crops
from mpii_tools.prepared.ranges import Augmentation

# Side of a person's crop / height of the image: the middles of ten equal parts of 2,257 of MPII's validation people.
SIDES = (0.41, 0.56, 0.67, 0.77, 0.87, 0.99, 1.15, 1.36, 1.66, 2.11)
CENTER, CENTER_STD = (0.5, 0.58), (0.2, 0.1)  # of their crops' centers, in widths and heights
TARGETS = {(1280, 720): 1.25, (1920, 1080): 1.35}
PREPARED, BATCH_SIZE = 320, 16


def crops(workload: Workload, folder: Path | None):
    """From images and from preprocessed crops, each against plain calls of OpenCV; what Python adds to its calls."""
    cv2.setNumThreads(1)
    if folder:
        read = open_images(folder)
        images = [read(name) for name in sorted(read.places)[: len(SIDES)]]
        yield from image_benches(workload, images, f"images of {folder}", None)
    else:
        for shape, target in TARGETS.items():
            yield from image_benches(workload, draw_images(*shape), "{}x{}".format(*shape), target)
    yield prepared_bench(workload)
    cv2.setNumThreads(-1)


def image_benches(workload: Workload, images: list[bytes], name: str, target: float | None):
    """A normalized batch, one person per image, against full decodes with one warp each, and against its bare calls."""
    size, rng = workload.size, np.random.default_rng(0)
    shapes = np.array([decode(image).shape[1::-1] for image in images])
    sides = np.resize(SIDES, len(images)) * shapes[:, 1]
    matrices = crop_matrices(rng.normal(CENTER, CENTER_STD, shapes.shape) * shapes, sides, size)
    matrices = compose_affine(augmentations(len(images), size).numpy(), matrices)
    people = list(zip(images, matrices, [coarsest_reduction(matrix[None]) for matrix in matrices], strict=True))
    bare = [(image, REDUCED[times], from_reduced(matrix, times, times)) for image, matrix, times in people]

    def ours() -> Tensor:
        crops = [decode_crops(image, "", matrix[None], size) for image, matrix, _ in people]
        return normalize_crops(torch.from_numpy(np.concatenate(crops)))

    def bare_calls() -> Tensor:
        crops = [warp(cv2.cvtColor(decode(i, flags), cv2.COLOR_RGB2RGBA), m, size) for i, flags, m in bare]
        return normalize_crops(torch.from_numpy(np.stack([cv2.cvtColor(crop, cv2.COLOR_RGBA2RGB) for crop in crops])))

    name, plain = f"{len(images)} samples, {name}", lambda: [warp(decode(i), m, size) for i, m, _ in people]
    yield workload.compare(f"{name} / full decode + warp", ours, plain, target)
    yield workload.compare(f"{name} / their bare OpenCV and torch calls", ours, bare_calls, 0.85)


def prepared_bench(workload: Workload) -> dict:
    """An augmented, normalized batch of preprocessed crops, against decoding and warping JPEG crops of 320 px."""
    size, jpeg = workload.size, draw_image(PREPARED, PREPARED, 0)
    side = size + 2 * (size // 4)
    crop = torch.from_numpy(cv2.resize(decode(jpeg), (side, side), interpolation=cv2.INTER_AREA))
    crops, affines = crop.repeat(BATCH_SIZE, 1, 1, 1), augmentations(BATCH_SIZE, size)
    matrices = crop_matrices(np.full((BATCH_SIZE, 2), PREPARED / 2), np.full(BATCH_SIZE, PREPARED / 1.5), size)
    matrices = compose_affine(affines.numpy(), matrices)
    return workload.compare(
        f"{BATCH_SIZE} samples from preprocessed crops / imdecode {PREPARED}x{PREPARED} + warp",
        lambda: sample_crops(crops, affines, size, size // 4),
        lambda: [warp(decode(jpeg), matrix, size) for matrix in matrices],
        1 / 1.3,
    )


def decode(image: bytes, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """An image as OpenCV decodes it."""
    return cv2.imdecode(np.frombuffer(image, np.uint8), flags)


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """One warp, as OpenCV's users write it."""
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=FILL)


def augmentations(count: int, size: int) -> Tensor:
    """(count, 2, 3) affines of the paper's ranges."""
    return draw_affines(Augmentation(), count, size, torch.Generator().manual_seed(0))[0]


def draw_images(width, height):
    """An encoded random image for each of SIDES."""
    return [draw_image(width, height, seed) for seed in range(len(SIDES))]


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    torch.set_num_threads(1)
    for result in crops(Workload(torch.device("cpu"), rounds=15), folder):
        print(line(result), flush=True)

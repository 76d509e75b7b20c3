import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from heads.skeleton import MPII
from mpii_tools.crops import apply_affine, compose_affine, crop_matrices, invert_affine
from mpii_tools.images.decode import warp
from mpii_tools.people import People
from mpii_tools.prepared.augmentation import draw_affines, move_joints, sample_crops
from mpii_tools.prepared.ranges import Augmentation

PAPER = Augmentation()
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def test_the_crop_is_the_square_of_the_design():
    """Side 200 * scale * 1.25 around (x, y + 15 * scale), edge to edge on the crop's pixel edges."""
    people = People(["a"], np.full((1, 16, 2), 50.0), center=np.array([[300.0, 200.0]]), scale=np.array([2.0]))
    matrix = crop_matrices(people.crop_center, people.crop_side, 224)
    corners = np.array([[[300 - 250, 230 - 250], [300 + 250, 230 + 250], [300, 230]]], dtype=float)
    np.testing.assert_allclose(apply_affine(matrix, corners)[0], [[-0.5, -0.5], [223.5, 223.5], [111.5, 111.5]])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.2, 12.0), st.sampled_from([96, 128, 224, 256]))
def test_round_trip_through_augmentation_within_0_001_px(seed, scale, size):
    """Image -> crop -> augmented crop (float32, as in training) -> crop -> image, flips and rotations included."""
    rng = np.random.default_rng(seed)
    center = rng.uniform(0, 1920, (8, 2))
    joints = center[:, None] + rng.normal(0, 80 * scale, (8, 16, 2))
    matrices = crop_matrices(center, np.full(8, 250 * scale), size)
    affines, flipped = draw_affines(PAPER, 8, size, torch.Generator().manual_seed(seed))
    in_crop = torch.from_numpy(apply_affine(matrices, joints))
    moved = move_joints(in_crop.float(), affines, flipped, MPII.flip_permutation).double().numpy()
    moved = np.where(flipped.numpy()[:, None, None], moved[:, list(MPII.flip_permutation)], moved)
    back = apply_affine(invert_affine(compose_affine(affines.numpy(), matrices)), moved)
    assert np.abs(back - joints).max() < 1e-3


def test_draws_stay_in_their_ranges_and_reach_them():
    affines, flipped = draw_affines(PAPER, 4000, 224, torch.Generator().manual_seed(0))
    linear = affines[:, :, :2]
    zoom = torch.linalg.det(linear).abs().sqrt()
    unflipped = linear @ torch.diag_embed(torch.stack([torch.where(flipped, -1.0, 1.0), torch.ones(4000)], 1)).double()
    angle = torch.rad2deg(torch.atan2(unflipped[:, 1, 0], unflipped[:, 0, 0]))
    middle = torch.full((2, 1), 111.5).double()
    shift = (linear @ middle + affines[:, :, 2:] - middle).squeeze(-1)
    for values, low, high in ((zoom, 0.75, 1.25), (angle, -30, 30), (shift, -4.48, 4.48)):
        span = high - low
        assert values.min() >= low - 1e-9 and values.max() <= high + 1e-9
        assert values.min() < low + 0.02 * span and values.max() > high - 0.02 * span
    assert ((torch.linalg.det(linear) < 0) == flipped).all() and 0.45 < flipped.float().mean() < 0.55


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def test_batched_sampling_equals_a_plain_float64_interpolation(device):
    """To 1e-4: each image normalized by itself, each pixel interpolated by scipy in float64, 0 beyond the margin."""
    crops = np.random.default_rng(0).integers(0, 256, (6, 48, 48, 3), dtype=np.uint8)
    affines, _ = draw_affines(Augmentation(0.1, 0.5, 180, 0.5), 6, 32, torch.Generator().manual_seed(1))
    ours = sample_crops(torch.from_numpy(crops).to(device), affines, 32, 8).cpu()
    assert ours.is_contiguous(memory_format=torch.channels_last) and ours.dtype == torch.float32
    columns, rows = np.meshgrid(np.arange(32.0), np.arange(32.0))
    for row in range(6):
        back = np.linalg.inv(np.vstack([affines[row].numpy(), [0, 0, 1]]))
        x, y, _ = np.einsum("ij,jhw->ihw", back, np.stack([columns, rows, np.ones_like(rows)])) + 8
        for color, (mean, std) in enumerate(zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)):
            normalized = (crops[row, ..., color] / 255 - mean) / std
            plain = ndimage.map_coordinates(normalized, [y, x], order=1, mode="grid-constant", cval=0.0)
            np.testing.assert_allclose(ours[row, color].numpy(), plain, rtol=1e-4, atol=1e-4)


def test_a_strong_reduction_averages_pixels():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    matrix = crop_matrices(np.array([[199.5, 199.5]]), np.array([400.0]), 50)[0]
    assert np.abs(warp(stripes, matrix, 50).astype(int) - 127).max() <= 1
    ramp = np.repeat(np.linspace(0, 255, 400)[None, :, None], 400, 0).repeat(3, 2).astype(np.uint8)
    shrunk = warp(ramp, matrix, 50)[25, :, 0]
    expected = np.interp((np.arange(50) - 24.5) * 8 + 199.5, np.arange(400), ramp[0, :, 0])
    assert np.abs(shrunk[1:-1] - expected[1:-1]).max() < 1.5  # no shift by half a pixel


def test_affines_equal_three_by_three_matrices():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 5, 2, 3))
    points = rng.normal(size=(5, 7, 2))
    points[1, 3] = np.nan
    one, two = (np.concatenate([m, np.tile([[[0.0, 0, 1]]], (5, 1, 1))], axis=1) for m in (first, second))
    column = np.concatenate([points, np.ones((5, 7, 1))], axis=-1).swapaxes(1, 2)
    expected = (two @ one @ column)[:, :2].swapaxes(1, 2)
    both = compose_affine(second, first)
    np.testing.assert_allclose(apply_affine(both, points), expected, atol=1e-9)
    np.testing.assert_allclose(apply_affine(both[2], points[2]), expected[2], atol=1e-9)
    np.testing.assert_allclose(apply_affine(torch.from_numpy(both), torch.from_numpy(points)), expected, atol=1e-9)
    deep = np.concatenate([points, points[..., :1] + 7], axis=-1)
    moved = np.concatenate([apply_affine(both, points), deep[..., 2:]], axis=-1)
    np.testing.assert_array_equal(apply_affine(both, deep), moved)
    np.testing.assert_allclose(invert_affine(both), np.linalg.inv(two @ one)[:, :2], atol=1e-9)

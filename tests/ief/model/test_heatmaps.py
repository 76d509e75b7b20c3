import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import render_heatmaps

from ief.model.heatmaps import convolve_heatmaps, gaussian_factors


def test_maps_equal_the_formula_pixel_by_pixel():
    joints = torch.tensor([[[3.25, 7.5], [0.0, 0.0], [11.9, -1.0]]], dtype=torch.float64)
    maps = render_heatmaps(joints, 12, 2.0)
    for k in range(3):
        for row in range(12):
            for column in range(12):
                dx, dy = column - float(joints[0, k, 0]), row - float(joints[0, k, 1])
                near = max(abs(dx), abs(dy)) <= 8.0
                expected = math.exp(-(dx * dx + dy * dy) / 8.0) if near else 0.0
                assert float(maps[0, k, row, column]) == pytest.approx(expected, abs=1e-12)


def test_far_and_missing_joints_give_zero_maps():
    joints = torch.tensor(
        [[[math.nan, 5.0], [1e9, 5.0], [-1e9, -1e9], [5.0, math.inf], [5.0, 5.0]]], requires_grad=True
    )
    maps = render_heatmaps(joints, 16, 1.5)
    assert torch.isfinite(maps).all() and (maps[0, :4] == 0).all() and maps[0, 4].max() == 1
    (maps**2).sum().backward()
    assert torch.isfinite(joints.grad).all() and (joints.grad[0, :4] == 0).all()


def test_no_denormal_number_is_ever_produced():
    factors = gaussian_factors(torch.linspace(-50, 300, 400), 224, 7.0)
    assert factors[factors > 0].min() > 3e-4


def test_rendering_is_differentiable():
    joints = torch.rand(2, 3, 2, dtype=torch.float64) * 10
    assert torch.autograd.gradcheck(lambda j: render_heatmaps(j, 11, 2.0), joints.requires_grad_())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(7, 2, 3), (3, 1, 1), (5, 3, 0)]), st.integers(16, 33))
def test_convolving_factors_equals_convolving_maps(seed, shape, size):
    kernel, stride, padding = shape
    rng = torch.Generator().manual_seed(seed)
    joints = (torch.rand(2, 5, 2, generator=rng, dtype=torch.float64) * 1.4 - 0.2) * size
    weight = torch.randn(6, 5, kernel, kernel, generator=rng, dtype=torch.float64)
    plain = F.conv2d(render_heatmaps(joints, size, size / 16), weight, None, stride, padding)
    ours = convolve_heatmaps(joints, size, size / 16, weight, stride, (padding, padding))
    torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_fast_convolution_and_its_gradients_add_to_others(layout):
    weight = torch.randn(4, 3, 7, 7, dtype=torch.float64, requires_grad=True)
    joints = (torch.rand(2, 3, 2, dtype=torch.float64) * 20).requires_grad_()
    image = torch.randn(2, 5, 10, 10, dtype=torch.float64).contiguous(memory_format=layout)
    mix = torch.randn(4, 5, 1, 1, dtype=torch.float64, requires_grad=True)
    plain = F.conv2d(image, mix) + F.conv2d(render_heatmaps(joints, 20, 2.0), weight, None, 2, 3)
    ours = convolve_heatmaps(joints, 20, 2.0, weight, 2, (3, 3), onto=F.conv2d(image, mix))
    torch.testing.assert_close(ours, plain)
    towards = torch.randn_like(plain)
    gradients = [torch.autograd.grad(maps, [weight, joints, mix], towards) for maps in (plain, ours)]
    torch.testing.assert_close(*gradients)

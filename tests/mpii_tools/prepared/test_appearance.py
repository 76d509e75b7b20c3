from itertools import product

import numpy as np
import pytest
import torch

from mpii_tools.prepared.augmentation import OCCLUDER, change_appearance, draw_appearances
from mpii_tools.prepared.batches import TrainingBatches
from mpii_tools.prepared.ranges import Augmentation
from mpii_tools.prepared.read import load_prepared

STRONG = Augmentation(color=0.4, occlusion=0.5)


def drawn(augmentation, count=4000, size=64):
    return draw_appearances(augmentation, count, size, torch.Generator().manual_seed(0))


def test_each_pixel_changes_as_a_literal_loop_says():
    images = torch.randn(3, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    gain, offset, boxes = torch.rand(3, 3), torch.randn(3, 3), torch.tensor([[0.0] * 4, [2, 1, 6, 4], [0, 0, 8, 8]])
    expected = images.clone()
    for b, y, x in product(range(3), range(8), range(8)):
        left, top, right, bottom = boxes[b].tolist()
        hidden = left <= x < right and top <= y < bottom
        expected[b, :, y, x] = 0 if hidden else expected[b, :, y, x] * gain[b] + offset[b]
    torch.testing.assert_close(change_appearance(images, gain, offset, boxes), expected)


def test_the_draws_keep_to_their_ranges():
    gain, offset, boxes = drawn(STRONG)
    assert 0.6 * 0.8 <= gain.min() < 0.55 and 1.6 < gain.max() <= 1.4 * 1.2
    assert -0.6 <= offset.min() < -0.5 and 0.5 < offset.max() <= 0.6
    sides = boxes[:, 2:] - boxes[:, :2]
    hidden = (sides > 0).all(dim=1)
    assert hidden.float().mean() == pytest.approx(0.5, abs=0.03) and (sides[~hidden] == 0).all()
    assert sides[hidden].min() >= OCCLUDER[0] * 64 and sides[hidden].max() <= OCCLUDER[1] * 64
    assert boxes.min() >= 0 and boxes.max() <= 64


def test_nothing_changes_where_nothing_was_asked_for(tiny_data):
    appearance = drawn(Augmentation(), 4)
    images = torch.randn(4, 3, 64, 64)
    assert torch.equal(change_appearance(images.clone(), *appearance), images)


def batches(folder, augmentation):
    return TrainingBatches(load_prepared(folder, "train"), augmentation, 8, 0, torch.device("cpu"))


def test_poses_and_affines_do_not_depend_on_appearance(tiny_data):
    plain, changed = (batches(tiny_data, a)(5) for a in (Augmentation(), Augmentation(color=0.4)))
    torch.testing.assert_close(plain.joints, changed.joints, rtol=0, atol=0, equal_nan=True)
    slope, offset = np.polyfit(plain.images[0, 0].flatten(), changed.images[0, 0].flatten(), 1)
    torch.testing.assert_close(plain.images[0, 0] * slope + offset, changed.images[0, 0], rtol=1e-3, atol=1e-3)
    assert abs(slope - 1) + abs(offset) > 0.01

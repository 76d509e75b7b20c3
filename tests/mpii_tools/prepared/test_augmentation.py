"""Augmentation beyond the affine: half bodies and appearances, and what the batches make of them."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from checkpoints.errors import PoseError
from heads.skeleton import MPII, Skeleton
from mpii_tools.prepared import augmentation as augmenting
from mpii_tools.prepared.augmentation import LOWER_BODY, MAX_ZOOM, OCCLUDER, ROOM
from mpii_tools.prepared.batches import TrainingBatches
from mpii_tools.prepared.ranges import Augmentation
from mpii_tools.prepared.read import PreparedSplit, load_prepared

LOWER = torch.tensor([any(part in name for part in LOWER_BODY) for name in MPII.names])


def random_poses(count, missing=0.3):
    rng = torch.Generator().manual_seed(3)
    joints = torch.rand(count, 16, 2, generator=rng) * 224
    joints[torch.rand(count, 16, generator=rng) < missing] = torch.nan
    return joints, torch.rand(count, 2, generator=rng)


def test_halves_are_those_of_the_published_rule():
    assert [name for name, lower in zip(MPII.names, LOWER, strict=True) if lower] == list(MPII.names[:7])


def test_each_person_is_cut_as_a_literal_loop_says():
    joints, draws = random_poses(200)
    found = augmenting.zoom_half_bodies(joints, LOWER, 0.6, 224, draws).numpy()
    zooms = []
    for pose, (whether, which), matrix in zip(joints.tolist(), draws.tolist(), found, strict=True):
        known = [k for k in range(16) if pose[k][0] == pose[k][0]]
        half = [k for k in known if bool(LOWER[k]) == (which < 0.5)]
        expected = np.eye(2, 3)
        if whether < 0.6 and len(half) > 2 and len(known) >= 8:
            center = np.mean([pose[k] for k in half], axis=0)
            reach = max(abs(pose[k][axis] - center[axis]) for k in half for axis in (0, 1))
            zoom = min(max(224 / (2 * ROOM * reach), 1), MAX_ZOOM)
            if zoom > 1:
                expected = np.column_stack([zoom * np.eye(2), 111.5 - zoom * center])
        np.testing.assert_allclose(matrix, expected, atol=1e-4)
        zooms.append(matrix[0, 0])
    assert 20 < sum(zoom > 1 for zoom in zooms) < 120


def test_pixels_go_where_the_joints_go(tiny_data):
    """A batch whose joints are marked in the crops shows each mark at its joint, halves and all."""
    train_split = load_prepared(tiny_data, "train")
    crops, side = np.zeros_like(train_split.crops), train_split.crops.shape[1]
    for crop, pose in zip(crops, train_split.joints + train_split.border, strict=True):
        for x, y in pose[np.isfinite(pose).all(axis=1)].round().astype(int).tolist():
            if 1 <= x < side - 2 and 1 <= y < side - 2:
                crop[y - 1 : y + 2, x - 1 : x + 2] = 255
    marked = PreparedSplit(train_split.people, crops, train_split.size, train_split.border, "marked", "train")
    batch = TrainingBatches(marked, Augmentation(half_body=1.0), 32, 0, torch.device("cpu"))(0)
    size, hits = train_split.size, []
    for image, pose in zip(batch.images, batch.joints, strict=True):
        for x, y in pose[torch.isfinite(pose).all(dim=1)].round().int().tolist():
            if 0 <= x < size and 0 <= y < size:
                hits.append(image[0, y, x].item() > 0)
    assert len(hits) > 100 and np.mean(hits) > 0.9


def test_joints_that_tell_no_half_are_refused(tiny_data):
    train_split, skeleton = load_prepared(tiny_data, "train"), Skeleton(tuple("abcdefghijklmnop"), MPII.parents, ())
    train_split = replace(train_split, people=replace(train_split.people, skeleton=skeleton))
    with pytest.raises(PoseError, match="--half-body"):
        TrainingBatches(train_split, Augmentation(half_body=0.3), 4, 0, torch.device("cpu"))


STRONG = Augmentation(color=0.4, occlusion=0.5)


def drawn(augmentation, count=4000, size=64):
    return augmenting.draw_appearances(augmentation, count, size, torch.Generator().manual_seed(0))


def test_each_pixel_changes_as_a_literal_loop_says():
    images = torch.randn(3, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    gain, offset, boxes = torch.rand(3, 3), torch.randn(3, 3), torch.tensor([[0.0] * 4, [2, 1, 6, 4], [0, 0, 8, 8]])
    expected = images.clone()
    for b, y, x in product(range(3), range(8), range(8)):
        left, top, right, bottom = boxes[b].tolist()
        hidden = left <= x < right and top <= y < bottom
        expected[b, :, y, x] = 0 if hidden else expected[b, :, y, x] * gain[b] + offset[b]
    torch.testing.assert_close(augmenting.change_appearance(images, gain, offset, boxes), expected)


def test_the_draws_keep_to_their_ranges():
    gain, offset, boxes = drawn(STRONG)
    assert 0.6 * 0.8 <= gain.min() < 0.55 and 1.6 < gain.max() <= 1.4 * 1.2
    assert -0.6 <= offset.min() < -0.5 and 0.5 < offset.max() <= 0.6
    sides = boxes[:, 2:] - boxes[:, :2]
    hidden = (sides > 0).all(dim=1)
    assert hidden.float().mean() == pytest.approx(0.5, abs=0.03) and (sides[~hidden] == 0).all()
    assert sides[hidden].min() >= OCCLUDER[0] * 64 and sides[hidden].max() <= OCCLUDER[1] * 64
    assert boxes.min() >= 0 and boxes.max() <= 64


def test_nothing_changes_where_nothing_was_asked_for():
    images = torch.randn(4, 3, 64, 64)
    assert torch.equal(augmenting.change_appearance(images.clone(), *drawn(Augmentation(), 4)), images)


def test_poses_and_affines_do_not_depend_on_appearance(tiny_data):
    split, changes = load_prepared(tiny_data, "train"), (Augmentation(), Augmentation(color=0.4))
    plain, changed = (TrainingBatches(split, change, 8, 0, torch.device("cpu"))(5) for change in changes)
    torch.testing.assert_close(plain.joints, changed.joints, rtol=0, atol=0, equal_nan=True)
    slope, offset = np.polyfit(plain.images[0, 0].flatten(), changed.images[0, 0].flatten(), 1)
    torch.testing.assert_close(plain.images[0, 0] * slope + offset, changed.images[0, 0], rtol=1e-3, atol=1e-3)
    assert abs(slope - 1) + abs(offset) > 0.01

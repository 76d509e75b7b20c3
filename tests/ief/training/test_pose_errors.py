"""What a later stage is shown in training instead of the pose of the stage before."""

import numpy as np
import pytest
import torch
from configs import small_config

from heads.skeleton import MPII
from ief.training.residuals import HEAD, KINDS, perturb, synthesize_errors
from mpii_tools.prepared.batches import Batch

ALL = slice(None)
FLIPPED = list(MPII.flip_permutation)


def make_batch(count=400, dimensions=3, lacking=()):
    """Joints at least nine heads apart, so that it can be told which one an error is of."""
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4)), axis=-1).reshape(16, 2) * 100.0
    joints = torch.zeros(count, 16, dimensions)
    joints[..., :2] = torch.from_numpy(grid).float()
    mask = torch.ones_like(joints, dtype=torch.bool)
    joints[:, list(lacking)], mask[:, list(lacking)] = torch.nan, False
    return Batch(None, joints, mask, np.arange(count))


def test_noise_moves_what_heatmaps_show_and_no_depth(deep_data):
    config = small_config(deep_data, perturb=0.1)
    pose = torch.randn(8, 16, 3)
    moved = perturb(pose, config, 3, ALL)
    assert torch.equal(moved[..., 2], pose[..., 2]) and (moved[..., :2] != pose[..., :2]).all()
    assert (moved - pose)[..., :2].std().item() == pytest.approx(3.2, rel=0.15)


def test_errors_are_of_their_kinds_at_their_rates(deep_data):
    config = small_config(deep_data, start_errors=1.0, batch_size=400)
    batch, pose = make_batch(), torch.full((400, 16, 3), 7.0)
    wrong = synthesize_errors(pose, batch, config, 0, ALL)
    assert (wrong[..., 2] == 7).all()  # depth is the stage's own
    own, mirror = ((wrong - truth)[..., :2].norm(dim=-1) for truth in (batch.joints, batch.joints[:, FLIPPED]))
    own, mirror = (distance / (HEAD * config.options.size) for distance in (own, mirror))
    paired = [row for row in range(16) if FLIPPED[row] != row]
    shares = [share for share, *_ in KINDS]
    kinds = (own < 0.5, (own >= 0.5) & (own < 1), mirror < 0.5, (own >= 1) & (own <= 3))
    for kind, share in zip(kinds, shares, strict=True):
        assert kind[:, paired].float().mean().item() == pytest.approx(share, abs=0.02)
    assert (own[:, MPII.root] <= 3).all()  # a joint without a mirror joint has no inversion


def test_only_their_share_of_the_samples_err(deep_data):
    config = small_config(deep_data, start_errors=0.25, batch_size=400)
    batch, pose = make_batch(lacking=[4]), torch.full((400, 16, 3), 7.0)
    wrong = synthesize_errors(pose, batch, config, 0, ALL)
    kept = (wrong == pose).all(dim=2).all(dim=1)
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.05)
    # Nobody knows where joint 4 is: it errs about the stage's own place, but for its few inversions.
    far = (wrong - pose)[~kept][:, 4, :2].norm(dim=-1) > 3 * HEAD * config.options.size + 1e-4
    assert far.float().mean() < 0.1
    assert torch.equal(synthesize_errors(pose, batch, config, 0, ALL), wrong)
    assert not torch.equal(synthesize_errors(pose, batch, config, 1, ALL), wrong)


def test_ranks_draw_their_samples_of_the_whole(deep_data):
    config = small_config(deep_data, start_errors=0.5, batch_size=400)
    batch, pose = make_batch(), torch.randn(400, 16, 3)
    whole = synthesize_errors(pose, batch, config, 2, ALL)
    for share in (slice(0, None, 2), slice(1, None, 2)):
        part = Batch(None, batch.joints[share], batch.mask[share], batch.person_ids[share])
        assert torch.equal(synthesize_errors(pose[share], part, config, 2, share), whole[share])

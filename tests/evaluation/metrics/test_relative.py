"""Errors of relative positions and of placement: against a walk along the tree, loops and the joint and bone error."""

import numpy as np
import pytest
from scattered import noisy_people
from scored import values

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.errors import placement, relative_errors
from evaluation.metrics.ground_truth import GroundTruth
from heads.pairs import ORIGIN, all_pairs, path_lengths
from heads.skeleton import MPII, Skeleton
from mpii_tools.skeletons import SKELETONS


def walked(skeleton, start, end):
    """Bones between two joints, breadth first along the edges of the tree, the origin being the root's parent."""
    near = {joint: {parent} for joint, parent in enumerate(skeleton.parents)}
    for joint, parent in enumerate(skeleton.parents):
        near.setdefault(parent, set()).add(joint)
    steps, front = 0, {start}
    while end not in front:
        front |= {other for joint in front for other in near[joint]}
        steps += 1
    return steps


@pytest.mark.parametrize("name", SKELETONS)
def test_a_path_has_the_bones_that_a_walk_crosses(name):
    skeleton = SKELETONS[name]
    pairs = all_pairs(skeleton)
    assert any(ORIGIN in pair for pair in pairs)
    assert path_lengths(skeleton, pairs) == [walked(skeleton, *pair) for pair in pairs]


@pytest.fixture
def gt():
    joints = noisy_people(11, missing=0.3)[1].joints
    joints[4] = np.nan
    return GroundTruth(joints, np.full(11, 20.0))


def poses_near(gt, seed):
    """Poses about the true ones; where there is nothing to predict, anything."""
    return np.nan_to_num(gt.joints) + np.random.default_rng(seed).normal(3, 8, gt.joints.shape)


def literal(pose, gt):
    found = {length: [] for length in range(1, 8)}
    for person in range(len(gt)):
        for u in range(16):
            for v in range(u):
                if gt.annotated[person, u] and gt.annotated[person, v]:
                    ours, true = (joints[person, v] - joints[person, u] for joints in (pose, gt.joints))
                    found[walked(MPII, u, v)].append(np.hypot(*(ours - true)))
    return {length: np.mean(errors) for length, errors in found.items()}


def test_the_errors_are_those_of_loops_over_people_and_pairs(gt):
    pose, other = poses_near(gt, 1), poses_near(gt, 2)
    found = relative_errors(gt, [pose])
    assert values(found) == pytest.approx(literal(pose, gt))
    assert all(error.low < error.value < error.high for error in found.values())
    found = relative_errors(gt, [pose, other], [other], bootstrap=None)
    ours, theirs = literal(pose, gt), literal(other, gt)
    expected = {length: (ours[length] - theirs[length]) / 2 for length in ours}
    assert values(found) == pytest.approx(expected)
    assert all(error.interval is None for error in found.values())


def test_unlabeled_pairs_have_no_error():
    alone, joints = Skeleton(("a",), (-1,)), np.ones((3, 1, 2))
    assert relative_errors(GroundTruth(joints, skeleton=alone), [joints]) == {}
    chain, joints = Skeleton(("a", "b", "c"), (-1, 0, 1)), np.ones((12, 3, 2))
    gt = GroundTruth(joints, annotated=np.array([[True, True, False]] * 12), skeleton=chain)
    assert relative_errors(gt, [joints]) == {1: Estimate(0.0, 0.0, 0.0), 2: Estimate(None)}


def split(pose, gt):
    offset = shape = joints = 0.0
    for person in range(len(gt)):
        errors = [pose[person, k] - gt.joints[person, k] for k in range(16) if gt.annotated[person, k]]
        if errors:
            shift = sum(errors) / len(errors)
            offset += len(errors) * np.hypot(*shift)
            shape += sum(np.hypot(*(error - shift)) for error in errors)
            joints += len(errors)
    return offset / joints, shape / joints


def test_both_parts_are_those_of_a_loop_over_people(gt):
    pose, other = poses_near(gt, 1), poses_near(gt, 2)
    found = placement(gt, [pose])
    assert [part.value for part in found] == pytest.approx(split(pose, gt))
    assert found[0].low < found[0].value < found[0].high
    found = placement(gt, [pose, other], [other], bootstrap=None)
    expected = [(ours - theirs) / 2 for ours, theirs in zip(split(pose, gt), split(other, gt), strict=True)]
    assert [part.value for part in found] == pytest.approx(expected)
    assert found[0].interval is None

"""Random trees and a literal walk along them: the oracle for the linear maps."""

import random

from heads.skeleton import Skeleton


def random_tree(seed: int, joints: int) -> Skeleton:
    """A random tree of `joints` joints in shuffled order."""
    rng = random.Random(seed)
    order = list(range(joints))
    rng.shuffle(order)
    parents = [-1] * joints
    for place in range(1, joints):
        parents[order[place]] = order[rng.randrange(place)]
    return Skeleton(tuple(f"j{i}" for i in range(joints)), tuple(parents))


def walk(skeleton: Skeleton, u: int, v: int) -> list[tuple[int, int]]:
    """The path from u to v step by step, as (sign, bone): +B_m going up from m, -B_c going down to c."""

    def up_to_origin(joint):
        chain = []
        while joint != -1:
            chain.append(joint)
            joint = skeleton.parents[joint]
        return [*chain, -1]

    above_u, above_v = up_to_origin(u), up_to_origin(v)
    meeting = next(joint for joint in above_u if joint in above_v)
    up = [(+1, joint) for joint in above_u[: above_u.index(meeting)]]
    down = [(-1, joint) for joint in reversed(above_v[: above_v.index(meeting)])]
    return up + down

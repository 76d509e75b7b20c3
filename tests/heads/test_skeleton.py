import pytest

from heads.skeleton import MPII, Skeleton


def test_mpii_tree_is_the_one_of_figure_1():
    parent = {name: (MPII.names[p] if p >= 0 else None) for name, p in zip(MPII.names, MPII.parents, strict=True)}
    assert parent["pelvis"] is None and parent["thorax"] == "pelvis" and parent["upper_neck"] == "thorax"
    for side in "rl":
        for *limb, trunk in (("ankle", "knee", "hip", "pelvis"), ("wrist", "elbow", "shoulder", "thorax")):
            chain = [*(f"{side}_{part}" for part in limb), trunk]
            assert [parent[joint] for joint in chain[:-1]] == chain[1:]


def test_a_mirror_swaps_left_and_right_and_keeps_the_tree():
    flip = MPII.flip_permutation
    for joint, (name, parent) in enumerate(zip(MPII.names, MPII.parents, strict=True)):
        swapped, side = {"r_": ("l_", "right"), "l_": ("r_", "left")}.get(name[:2], (name[:2], "center"))
        assert MPII.names[flip[joint]] == swapped + name[2:] and MPII.sides[joint] == side
        assert MPII.parents[flip[joint]] == (flip[parent] if parent >= 0 else -1)


@pytest.mark.parametrize(("names", "parents", "message"), [
    (("a", "b"), (-1, -1), "the root"),
    (("a", "b", "c"), (-1, 2, 1), "cycle: b -> c -> b"),
    (("a", "b"), (0, -1), "cycle: a -> a"),
    (("a", "a"), (-1, 0), "repeated"),
    (("a", "b"), (-1, 5), "outside 0..1"),
    (("a", "b"), (-1,), "2 names but 1"),
])  # fmt: skip
def test_a_bad_tree_is_a_clear_error(names, parents, message):
    with pytest.raises(ValueError, match=message):
        Skeleton(names, parents)


def test_a_tree_as_deep_as_it_has_joints_is_walked_once():
    count = 20_000  # seconds if once per joint, and days if each joint is looked for on the way
    chain = Skeleton(tuple(map(str, range(count))), (*range(1, count), -1))
    assert chain.root == count - 1
    with pytest.raises(ValueError, match="cycle: 19997 -> 19998 -> 19997"):
        Skeleton(("root", *chain.names[:-1]), (-1, *range(2, count), count - 2))


def test_an_unknown_joint_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown joint 'nose'.*r_ankle"):
        MPII.index("nose")

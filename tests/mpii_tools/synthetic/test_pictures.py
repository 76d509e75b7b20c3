"""Pictures: where people stand, what an annotator sees of them, and what stays from picture to picture."""

import json

import numpy as np
import pytest

from heads.skeleton import MPII
from mpii_tools.synthetic import pictures
from mpii_tools.synthetic.person import PARTS
from mpii_tools.synthetic.pictures import HEIGHT, WIDTH, label, place_main
from mpii_tools.synthetic.scene import OCCLUDER
from mpii_tools.synthetic.studio import studio_shots


def test_visibility_is_what_the_owner_map_shows():
    offset, scale, first = np.array([200.0, 170.0]), 1.0, 1 + len(PARTS)
    joints = np.stack([np.linspace(-60, 60, 16), np.linspace(-90, 90, 16)], axis=-1) + offset
    owner = np.zeros((HEIGHT, WIDTH), np.int16)
    knee, ankle, wrist = (MPII.index(n) for n in ("r_knee", "l_ankle", "r_wrist"))
    x, y = np.rint(joints[[knee, ankle, wrist]]).astype(int).T
    owner[y, x] = first + PARTS.index("r_shin"), OCCLUDER, 1 + PARTS.index("r_hand")  # of another person
    person = label(owner, joints, offset, scale, scale, first)
    np.testing.assert_array_equal(person["joints"], joints)
    assert person["visible"][[knee, ankle, wrist]].tolist() == [1, 0, 0]
    width, height = person["head_box"][2:] - person["head_box"][:2]
    assert 0.6 * np.hypot(width, height) == pytest.approx(25 * scale) == person["head_size"]
    away = label(owner, joints + np.array([WIDTH - 200, 0]), offset, scale, scale, first)
    outside = joints[:, 0] + WIDTH - 200 > WIDTH - 1
    assert np.isnan(away["joints"][outside]).all() and (away["visible"][outside] == -1).all()


def test_joints_are_missing_as_often_as_in_mpii(shared):
    expected = json.loads((shared / "mpii" / "expected.json").read_text())
    rates = np.array(expected["n_annotated_per_joint"]) / expected["n_persons"]
    rng, owner = np.random.default_rng(11), np.zeros((HEIGHT, WIDTH), np.int16)
    placed = [place_main(rng) for _ in range(800)]
    people = [label(owner, pose * scale + offset, offset, scale, scale) for pose, offset, scale in placed]
    annotated = np.isfinite([p["joints"] for p in people]).all(axis=-1)
    assert annotated.sum(axis=1).min() >= pictures.FEWEST_JOINTS
    np.testing.assert_allclose(annotated.mean(axis=0), rates, atol=0.06)


def test_a_studio_camera_keeps_its_background(monkeypatch):
    """Before light and noise, pictures of one camera are equal at the edge, where nobody goes; another camera's not."""
    monkeypatch.setattr(pictures, "photograph", lambda rng, color: color)
    shots = studio_shots(3, 77, 0)
    edges = [pictures.draw_shot(np.random.default_rng(i), 3, shots[i])[0][:, :20] for i in (0, 1, 75, 76)]
    assert [shots[i].number for i in (0, 1, 75, 76)] == [0, 0, 1, 1]
    for one, other in ((0, 1), (2, 3)):
        np.testing.assert_allclose(edges[one], edges[other], atol=0.01)
    assert np.abs(edges[0] - edges[2]).mean() > 0.05

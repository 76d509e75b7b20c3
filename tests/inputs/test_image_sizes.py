"""The size that the annotations say an image has, against the one that it has."""

import numpy as np
import pytest
from coco_and_skeletons import coco_file
from commands import run_ief
from pictures import encode_picture, smooth_image

from mpii_tools.annotations.read import read_annotations
from mpii_tools.prepared.read import load_prepared

WIDTH, HEIGHT = 160, 120  # of the images here


def size(width=WIDTH, height=HEIGHT):
    return {"width": width, "height": height}


@pytest.fixture
def prepare(tmp_path, monkeypatch):
    """Prepares four images of WIDTH x HEIGHT whose annotations state other sizes; EXIF asks to turn some of them."""
    monkeypatch.chdir(tmp_path)

    def prepare(stated, *options, turned=False, status=0):
        build = coco_file(lambda tree: [image.update(size) for image, size in zip(tree["images"], stated, strict=True)])
        words = build(tmp_path)
        for row in range(4):
            picture = smooth_image(WIDTH, HEIGHT, row, (8, 6))
            (tmp_path / f"{row}.png").write_bytes(encode_picture(picture, "PNG", 6 if turned else 1))
        run_ief(*words, *options, status=status)

    return prepare


@pytest.mark.parametrize(("other", "status", "people"), [
    (size(), 0, 4),
    (size(HEIGHT, WIDTH), 0, 4),  # swapped, as in CrowdPose
    (size(0, 0), 0, 4), (size(None, None), 0, 4), ({}, 0, 4), (size(-1, -1), 0, 4), (size(WIDTH + 1, HEIGHT), 0, 4),
    (size("80", "60.0"), 3, 3), (size("wide", "60"), 0, 4), (size(2 * WIDTH, 2 * HEIGHT), 3, 3),
    (size(WIDTH, 2 * HEIGHT), 3, 3), (size(1e300, HEIGHT), 0, 4),
])  # fmt: skip
def test_another_size_leaves_a_person_out(other, status, people, prepare, capsys):
    prepare([other, size(), size(), size()], status=status)
    assert len(load_prepared("out", "train")) == people
    assert status == 0 or "here 160 x 120" in capsys.readouterr().out


def test_other_sizes_of_most_are_refused(prepare, tmp_path, capsys):
    prepare([size(80, 60)] * 3 + [size()], status=2)
    error = capsys.readouterr().err
    assert "3 of 4 people" in error and "80 x 60" in error and "160 x 120" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("stated", "options", "upright"),
    [(size(HEIGHT, WIDTH), (), True), (size(), (), False), (size(0, 0), (), False), (size(), ("--apply-exif",), True)],
)
def test_a_stated_upright_size_turns_as_exif_asks(stated, options, upright, prepare, capsys):
    prepare([stated] * 4, *options, turned=True)
    crops = np.array(load_prepared("out", "train").crops)
    assert ("not applied" in capsys.readouterr().out) == (not upright)
    prepare([{}] * 4, "--apply-exif", turned=True)
    assert np.array_equal(crops, load_prepared("out", "train").crops) == upright


def test_mpii_places_of_a_file_without_boxes(tmp_path):
    """MPII-TRB's `center` and `scale`; a box, and a center of -1, come before nothing."""

    def places(tree):
        for entry in tree["annotations"]:
            entry.update(center=[50.0, 40.0], scale=0.3)
            del entry["bbox"]
        tree["annotations"][1].update(bbox=[10, 10, 80, 80])
        tree["annotations"][2].update(center=[-1, -1], scale=-1)
        tree["annotations"][3].update(center={"x": 1}, scale="tall")

    people = read_annotations(coco_file(places)(tmp_path)[-1]).people
    np.testing.assert_array_equal(people.center[0], [50, 40])
    np.testing.assert_allclose(people.scale[:2], [0.3, 100 / 250])
    assert np.isnan(people.scale[2:]).all() and np.isnan(people.center[2:]).all()

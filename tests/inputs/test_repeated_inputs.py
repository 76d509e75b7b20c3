"""The same input twice counts once, and different inputs of one name stay apart."""

from pathlib import Path

import cv2
import pytest
from pictures import draw_clip, smooth_image

from ief.workflow.predict import predict_inputs
from mpii_tools.results.predictions import read_predictions

FRAMES = ["clip.avi/000000#1", "clip.avi/000001#1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two folders with an image and a video each, of the same names."""
    folder = tmp_path_factory.mktemp("repeated")
    (folder / "link").symlink_to(folder / "b")
    for name in ("a", "b"):
        (folder / name).mkdir()
        cv2.imwrite(str(folder / name / "x.jpg"), smooth_image(64, 48))
        draw_clip(folder / name / "clip.avi", 2)
    return folder


@pytest.mark.parametrize(
    ("inputs", "ids", "repeated"),
    [
        ("b b/x.jpg", ["x.jpg#1", *FRAMES], 1),
        ("a/clip.avi b/clip.avi", [f"{name}/{frame}" for name in "ab" for frame in FRAMES], 0),
        # Invented: a file thrice, a way around, a folder in a folder, two folders, a video among others of its name.
        ("a/x.jpg a/x.jpg a/x.jpg", ["x.jpg#1"], 2),
        ("a/x.jpg b/../a/x.jpg ./a/x.jpg", ["x.jpg#1"], 2),
        ("b/x.jpg link/x.jpg", ["x.jpg#1"], 1),
        ("b/clip.avi b", ["x.jpg#1", *FRAMES], 1),
        ("a/x.jpg b/x.jpg", ["a/x.jpg#1", "b/x.jpg#1"], 0),
        ("a/clip.avi b/clip.avi a/clip.avi", [f"{name}/{frame}" for name in "ab" for frame in FRAMES], 1),
    ],
)
def test_a_repeated_input_does_not_cost_the_run(run, folder, tmp_path, monkeypatch, capsys, inputs, ids, repeated):
    monkeypatch.chdir(folder)
    files, left_out = predict_inputs([*map(Path, inputs.split())], tmp_path, run, device="cpu")
    assert read_predictions(tmp_path / "predictions-images.npz").person_ids.tolist() == ids and left_out == []
    assert (f"{repeated} INPUT given before" in capsys.readouterr().err) == bool(repeated)
    videos = [path.relative_to(tmp_path).as_posix() for path in files if path.suffix == ".avi"]
    assert len(videos) == len({frame.partition(".avi")[0] for frame in ids if ".avi" in frame})

"""What a folder holds besides images is taken, or counted and said; what is given twice counts once."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import draw_clip, smooth_image
from untrained import save_run

from checkpoints.errors import PoseError
from ief.inference.inputs import find_inputs, is_video
from ief.workflow.predict import predict_inputs
from mpii_tools.images.index import MAX_DEPTH
from mpii_tools.images.sources import open_images
from mpii_tools.results.predictions import read_predictions

DEEP = "/".join(f"{level}" for level in range(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("files", "taken", "said"),
    [
        ("1.jpg cam1/2.jpg cam2/day/3.jpg", "1.jpg cam1/2.jpg cam2/day/3.jpg", ()),
        ("1.jpg " + " ".join(f"{number}.heic" for number in range(40)), "1.jpg", ("40 .heic",)),
        ("1.jpg 2.jfif 3.gif v.mp4", "1.jpg v.mp4", ("1 .jfif", "1 .gif")),
        ("v.mp4 w.MOV", "v.mp4 w.MOV", ()),
        ("1.jpg ._1.jpg .hidden.jpg .thumbnails/1.jpg", "1.jpg", ()),
        ("1.jpg 1.jpg.pose.jpg v.pose.mp4 predictions-images.json", "1.jpg", ()),
        # Invented: a preview system's, an editor's and a phone's habits.
        ("1.JPG Thumbs.db sub/Thumbs.db sub/2.Png", "1.JPG sub/2.Png", ("2 .db",)),
        ("1.jpg crops/prepared.json crops/2.jpg", "1.jpg", ()),
        (f"1.jpg {DEEP}/2.jpg", "1.jpg", ("1 folders",)),
        ("1.jpg RAW/1.dng RAW/2.dng note", "1.jpg", ("2 .dng", "1 note")),
        ("a.mkv b.webm c.m4v", "a.mkv b.webm c.m4v", ()),
    ],
)
def test_a_folder_is_taken_whole_and_the_rest_is_counted(tmp_path, capsys, files, taken, said):
    for name in files.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path)  # and a way round
    images, videos, _ = find_inputs([tmp_path])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in (*images, *videos)) == sorted(taken.split())
    error = capsys.readouterr().err
    assert error.count("\n") == bool(said) and all(words in error for words in said)


def test_what_is_no_file_or_cannot_be_read_costs_itself(tmp_path, capsys, monkeypatch):
    for name in ("images/closed", "empty"):
        (tmp_path / name).mkdir(parents=True)
    images, closed = tmp_path / "images", tmp_path / "images" / "closed"
    (images / "1.jpg").touch()
    for name in ("link.jpg", "link"):
        (images / name).symlink_to(tmp_path / "gone")
    os.mkfifo(images / "pipe.jpg")
    scan = os.scandir

    def refuse(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", refuse)
    files, _, left_out = find_inputs([tmp_path / "empty", images])
    assert files == [images / "1.jpg"] and [line.split(":")[0] for line in left_out] == [
        str(tmp_path / "empty"), str(closed),
    ]  # fmt: skip
    assert "2 broken links, 1 pipes" in capsys.readouterr().err
    with pytest.raises(PoseError, match="closed: cannot be read"):
        open_images(images)


def test_what_a_file_is_its_content_says_if_its_ending_does_not(tmp_path):
    draw_clip(tmp_path / "clip.avi", 3)
    for ending in (".mkv", ".bin", ".mpg"):
        shutil.copy(tmp_path / "clip.avi", tmp_path / f"clip{ending}")
        assert is_video(tmp_path / f"clip{ending}")
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((40, 40, 3), np.uint8))
    (tmp_path / "b.txt").write_text("no picture")
    for name in ("a.jpg", "a.jfif", "a", "b.txt", "none.xyz"):
        if name.startswith("a") and name != "a.jpg":
            shutil.copy(tmp_path / "a.jpg", tmp_path / name)
        assert not is_video(tmp_path / name)


def test_the_own_output_is_no_input_the_next_time(tmp_path):
    run = save_run(tmp_path / "run")
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "1.jpg"), smooth_image(64, 48))
    draw_clip(tmp_path / "images" / "2.mkv", 2)
    for _ in range(2):
        files, left_out = predict_inputs([tmp_path / "images"], tmp_path / "images", run, device="cpu")
        ids = read_predictions(next(path for path in files if path.suffix == ".npz")).person_ids.tolist()
        assert ids == ["1.jpg#1", "2.mkv/000000#1", "2.mkv/000001#1"] and left_out == []
    assert (tmp_path / "images" / "2.pose.mp4").is_file()


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

"""What a folder holds besides images is taken, or counted and said; what is given twice counts once."""

import os
import shutil
from pathlib import Path

import pytest
from pictures import draw_clip, write_picture

from checkpoints.errors import PoseError
from ief.inference.inputs import find_inputs, is_video
from ief.workflow.predict import predict_inputs
from mpii_tools.images.index import MAX_DEPTH
from mpii_tools.images.sources import open_images
from mpii_tools.results.predictions import read_predictions

DEEP = "/".join(f"{level}" for level in range(MAX_DEPTH + 1))


@pytest.mark.parametrize(("files", "taken", "said"), [
    ("1.jpg cam1/2.jpg cam2/day/3.jpg", "1.jpg cam1/2.jpg cam2/day/3.jpg", ()),
    ("a.png b.webp c.bmp d.tif e.jpeg", "a.png b.webp c.bmp d.tif e.jpeg", ()),
    ("1.jpg " + " ".join(f"{number}.heic" for number in range(40)), "1.jpg", ("40 .heic",)),
    ("1.jpg 2.jfif 3.gif v.mp4", "1.jpg v.mp4", ("1 .jfif", "1 .gif")),
    ("v.mp4 w.MOV a.mkv b.webm c.m4v", "v.mp4 w.MOV a.mkv b.webm c.m4v", ()),
    ("1.jpg ._1.jpg .hidden.jpg .thumbnails/1.jpg", "1.jpg", ()),
    ("1.jpg 1.jpg.pose.jpg v.pose.mp4 predictions-images.json", "1.jpg", ()),
    # Invented: a preview system's, an editor's and a phone's habits.
    ("1.JPG Thumbs.db sub/Thumbs.db sub/2.Png", "1.JPG sub/2.Png", ("2 .db",)),
    ("1.jpg crops/prepared.json crops/2.jpg", "1.jpg", ()),
    (f"1.jpg {DEEP}/2.jpg", "1.jpg", ("1 folders",)),
    ("1.jpg RAW/1.dng RAW/2.dng note", "1.jpg", ("2 .dng", "1 note")),
])  # fmt: skip
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
    images, closed, empty = tmp_path / "images", tmp_path / "images" / "closed", tmp_path / "empty"
    for folder in (closed, empty):
        folder.mkdir(parents=True)
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
    files, _, left_out = find_inputs([empty, images])
    assert files == [images / "1.jpg"] and [line.split(":")[0] for line in left_out] == [str(empty), str(closed)]
    assert "2 broken links, 1 pipes" in capsys.readouterr().err
    with pytest.raises(PoseError, match="closed: cannot be read"):
        open_images(images)


def test_what_a_file_is_its_content_says_if_its_ending_does_not(tmp_path):
    draw_clip(tmp_path / "clip.avi", 3)
    write_picture(tmp_path / "a.jpg")
    (tmp_path / "b.txt").write_text("no picture")
    for source, names in (("clip.avi", ("clip.mkv", "clip.bin", "clip.mpg")), ("a.jpg", ("a.jfif", "a"))):
        for name in names:
            shutil.copy(tmp_path / source, tmp_path / name)
    for path in (*tmp_path.iterdir(), tmp_path / "none.xyz"):
        assert is_video(path) == (path.stem == "clip"), path.name


def test_the_own_output_is_no_input_the_next_time(run, tmp_path):
    write_picture(tmp_path / "1.jpg")
    draw_clip(tmp_path / "2.mkv", 2)
    for _ in range(2):
        _, left_out = predict_inputs([tmp_path], tmp_path, run, device="cpu")
        ids = read_predictions(tmp_path / "predictions-images.npz").person_ids.tolist()
        assert ids == ["1.jpg#1", "2.mkv/000000#1", "2.mkv/000001#1"] and left_out == []
    assert (tmp_path / "2.pose.mp4").is_file()


FRAMES = ["clip.avi/000000#1", "clip.avi/000001#1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two folders with an image and a video each, of the same names."""
    folder = tmp_path_factory.mktemp("repeated")
    (folder / "link").symlink_to(folder / "b")
    for name in ("a", "b"):
        write_picture(folder / name / "x.jpg")
        draw_clip(folder / name / "clip.avi", 2)
    return folder


@pytest.mark.parametrize(("inputs", "ids", "repeated"), [
    ("b b/x.jpg", ["x.jpg#1", *FRAMES], 1),
    # A file thrice, a way around, a folder in a folder, two folders, a video among others of its name.
    ("a/x.jpg a/x.jpg a/x.jpg", ["x.jpg#1"], 2),
    ("a/x.jpg b/../a/x.jpg ./a/x.jpg", ["x.jpg#1"], 2),
    ("b/x.jpg link/x.jpg", ["x.jpg#1"], 1),
    ("a/x.jpg b/x.jpg", ["a/x.jpg#1", "b/x.jpg#1"], 0),
    ("a/clip.avi b/clip.avi a/clip.avi", [f"{name}/{frame}" for name in "ab" for frame in FRAMES], 1),
])  # fmt: skip
def test_a_repeated_input_does_not_cost_the_run(run, folder, tmp_path, monkeypatch, capsys, inputs, ids, repeated):
    monkeypatch.chdir(folder)
    files, left_out = predict_inputs([*map(Path, inputs.split())], tmp_path, run, device="cpu")
    assert read_predictions(tmp_path / "predictions-images.npz").person_ids.tolist() == ids and left_out == []
    assert (f"{repeated} INPUT given before" in capsys.readouterr().err) == bool(repeated)
    videos = [path.relative_to(tmp_path).as_posix() for path in files if path.suffix == ".avi"]
    assert len(videos) == len({frame.partition(".avi")[0] for frame in ids if ".avi" in frame})

"""Images in folders and in tar shards: the same bytes, whichever holds them."""

import pickle
import tarfile

import pytest

from checkpoints.errors import PoseError
from mpii_tools.images.sources import open_images

IMAGES = {f"im{number}.jpg": bytes([number]) * (700 * number + 1) for number in range(6)}


def fill(folder, names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(IMAGES[name])


def shard(path, names, tmp_path, mode="w"):
    fill(tmp_path / "source", names)
    with tarfile.open(path, mode) as tar:
        for name in names:
            tar.add(tmp_path / "source" / name, f"images/{name}")


def test_bytes_are_the_same_wherever_they_lie(tmp_path):
    folder, names = tmp_path / "data", sorted(IMAGES)
    fill(folder, names[:1])
    fill(folder / "images", names[1:2])
    shard(folder / "images-0.tar", names[2:4], tmp_path)
    shard(folder / "images-1.tar", names[4:], tmp_path)
    (folder / "notes.txt").write_text("not an image")
    read = open_images(folder)
    assert len(read) == 6
    assert {name: read(name) for name in names} == IMAGES
    assert [read.shard(name) for name in names] == [None, None, *["images-0.tar"] * 2, *["images-1.tar"] * 2]
    assert pickle.loads(pickle.dumps(read))(names[3]) == IMAGES[names[3]]  # worker processes get a copy


def test_missing_image_names_the_folder_and_the_image(tmp_path):
    fill(tmp_path, ["im1.jpg"])
    with pytest.raises(PoseError, match=r"no image '\.\./im1\.jpg' among the 1"):
        open_images(tmp_path)("../im1.jpg")


def test_truncated_and_compressed_shards_are_bad_input(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    shard(folder / "images-0.tar", sorted(IMAGES), tmp_path)
    whole = (folder / "images-0.tar").read_bytes()
    for end in (700, 5000, 9000):
        (folder / "images-0.tar").write_bytes(whole[:end])
        with pytest.raises(PoseError, match=r"images-0\.tar"):
            open_images(folder)
    shard(folder / "images-0.tar", sorted(IMAGES), tmp_path, mode="w:gz")
    with pytest.raises(PoseError, match="uncompressed"):
        open_images(folder)


def test_a_file_that_shrinks_after_opening(tmp_path):
    fill(tmp_path, ["im5.jpg"])
    read = open_images(tmp_path)
    (tmp_path / "im5.jpg").write_bytes(b"short")
    with pytest.raises(PoseError, match="ends inside image"):
        read("im5.jpg")


def test_nothing_there(tmp_path):
    with pytest.raises(PoseError, match="no image"):
        open_images(tmp_path)
    with pytest.raises(PoseError, match="no such folder"):
        open_images(tmp_path / "absent")

"""Images in folders and in tar shards: the same bytes, whichever holds them."""

import pickle
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from checkpoints.errors import PoseError
from mpii_tools.images.index import ImageIndex
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
    assert len(read.places) == 6
    assert {name: read(name) for name in names} == IMAGES
    assert [read.shard(name) for name in names] == [None, None, *["images-0.tar"] * 2, *["images-1.tar"] * 2]
    assert pickle.loads(pickle.dumps(read))(names[3]) == IMAGES[names[3]]  # worker processes get a copy


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


def tree(folder, *paths):
    """Files whose bytes are their own paths."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode())
    return folder


@pytest.mark.parametrize(("name", "path"), [
    ("0.jpg", "0.jpg"),  # the path itself, though others end so
    ("cam1/0.jpg", "cam1/0.jpg"),
    ("cam1\\0.jpg", "cam1/0.jpg"),
    ("./cam2//0.jpg", "cam2/0.jpg"),
    ("data/cam1/0.jpg", "cam1/0.jpg"),
    ("C:\\data\\cam2\\0.jpg", "cam2/0.jpg"),
    ("deep/5.jpg", "a/b/deep/5.jpg"),
    ("5.JPG", "a/b/deep/5.jpg"),
    ("DEEP/5.png", "a/b/deep/5.jpg"),
    ("5", "a/b/deep/5.jpg"),
    ("C:\\data\\5.jpg", "a/b/deep/5.jpg"),
    ("/home/somebody/5.jpg", "a/b/deep/5.jpg"),
    ("https://host/train/5.jpg", "a/b/deep/5.jpg"),
    ("cafe\u0301.jpg", "caf\u00e9.jpg"),
    ("ma\u00dfe.jpg", "MASSE.JPG"),
    ("both.png", "both.png"),  # the ending counts where it can
])  # fmt: skip
def test_a_name_written_elsewhere_means_the_image_here(tmp_path, name, path):
    files = ["0.jpg", "cam1/0.jpg", "cam2/0.jpg", "a/b/deep/5.jpg", "caf\u00e9.jpg", "MASSE.JPG", "x/both.jpg"]
    images = open_images(tree(tmp_path, *files, "y/both.png"))
    expected = "y/both.png" if path == "both.png" else path
    assert images(name) == expected.encode() and name in images


@pytest.mark.parametrize(("name", "says"), [
    ("0.jpg", r"'0\.jpg' can be any of 2 images, 'cam1/0\.jpg', 'cam2/0\.jpg'"),
    ("C:\\data\\0.jpg", "can be any of 2 images"),
    ("both.webp", r"can be any of 2 images, 'x/both\.jpg', 'x/both\.png'"),
    ("cam3/0.jpg", r"no image 'cam3/0\.jpg' among the 6 there, whose 'cam1/0\.jpg', 'cam2/0\.jpg' is in another"),
    ("image_0042.jpg", "the nearest name is 'b/image_0043.jpg'"),
    ("imagf_0043.jpg", "the nearest name is 'b/image_0043.jpg'"),
    ("", "no image ''"),
    ("hidden.jpg", "no image 'hidden"),
    ("crop.jpg", "no image 'crop"),
])  # fmt: skip
def test_a_name_that_means_none_or_two_is_refused(tmp_path, name, says):
    files = ["cam1/0.jpg", "cam2/0.jpg", "x/both.jpg", "x/both.png", "b/image_0043.jpg", "qqq.jpg"]
    images = open_images(tree(tmp_path, *files, ".cache/hidden.jpg", "data/prepared.json", "data/crop.jpg"))
    assert name not in images
    with pytest.raises(PoseError, match=says):
        images(name)


def test_different_names_that_leave_one_image_are_refused(tmp_path):
    """The folder of one camera, and annotations of two."""
    names = ["cam1/0.jpg", "cam2/0.jpg", "x\\1.jpg", "x/1.jpg", "1.jpg", "2.png", "2.jpg"]
    images = open_images(tree(tmp_path, "0.jpg", "1.jpg", "2.png"), names)
    assert [images(name) for name in ("x\\1.jpg", "x/1.jpg", "1.jpg", "2.png")] == [b"1.jpg"] * 3 + [b"2.png"]
    for name in ("cam1/0.jpg", "cam2/0.jpg"):
        with pytest.raises(PoseError, match=r"'cam\d/0\.jpg' and 'cam\d/0\.jpg' can both be the image '0\.jpg' alone"):
            images(name)
    with pytest.raises(PoseError, match=r"'2\.jpg' and '2\.png'"):
        images("2.jpg")


def test_links_in_a_circle_end(tmp_path):
    tree(tmp_path, "a/0.jpg")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert list(open_images(tmp_path).places) == ["a/0.jpg"]


def test_threads_find_what_one_finds():
    """While one builds a table of the index, others wait for a whole one, or build it too."""
    paths = tuple(f"images/im{number:05}.jpg" for number in range(1500))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(5):
            index = ImageIndex(paths)
            with ThreadPoolExecutor(8) as pool:
                assert list(pool.map(index.find, (path[7:] for path in paths[::-50]))) == list(paths[::-50])
    finally:
        sys.setswitchinterval(interval)

"""Fields of COCO's annotations in another form than COCO's: read as what they mean, or named."""

import pytest
from coco_and_skeletons import coco_file

from ief.cli import main


def changed(people=4, **fields):
    """A change to the first of the annotations."""
    return lambda tree: [entry.update(fields) for entry in tree["annotations"][:people]]


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        (changed(iscrowd="0"), 0, "keypoints, 4 people"),
        (changed(iscrowd="False"), 0, "keypoints, 4 people"),
        (changed(1, iscrowd="1"), 0, "keypoints, 3 people"),
        (changed(iscrowd=1), 2, "all are crowds"),
        (lambda tree: tree.update(annotations=[]), 2, "list of annotations is empty"),
        (changed(bbox=[20, 10, 80, 100, 0.9]), 2, "first 1: 'bbox' is [20, 10, 80, 100, 0.9]"),
        (changed(bbox="20,10,80,100"), 2, "first 1: 'bbox' is 20,10,80,100"),
        (changed(bbox=["20", "10", "80", "100"]), 0, "no notes"),
        (changed(headbox=[1, 2, 3]), 2, "first 1: 'headbox' is [1, 2, 3]"),
        (lambda tree: [image.pop("file_name") for image in tree["images"]], 2, "1 is an image without file_name"),
        (changed(bbox=[60, 60, 80, 100]), 0, "outside their box"),  # its middle and size
        (changed(1, bbox=[60, 60, 80, 100]), 0, "no notes"),
        (changed(1, image_id=77), 3, "77 is no image of the file"),
        (changed(1, image_id=None), 3, "keypoints, 3 people"),
        (changed(1, keypoints=[30] * 48), 3, "keypoints, 3 people"),
    ],
)
def test_an_entry_of_another_form_is_read_or_named(change, status, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(coco_file(change)(tmp_path)) == status
    output = capsys.readouterr()
    assert says in " ".join((output.out + output.err).split()) and output.err.count("\n") == {0: 0, 2: 1, 3: 2}[status]

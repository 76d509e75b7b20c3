import doctest
from pathlib import Path

import cv2
from pictures import smooth_image
from untrained import save_run

import ief

PAGE = Path(__file__).resolve().parents[3] / "ief" / "inference" / "README.md"


def test_the_examples_of_the_page_run_as_they_are_shown(tmp_path, monkeypatch):
    save_run(tmp_path / "runs" / "all")
    save_run(tmp_path / "runs" / "3d", dimensions=3)
    cv2.imwrite(str(tmp_path / "image.jpg"), smooth_image(90, 70))
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert (failed, tried > 10) == (0, True)


def test_every_public_name_has_an_example():
    text = PAGE.read_text(encoding="utf-8")
    for name in ief.__all__:
        assert f"**`{name}`**" in text
    examples = [example.source for example in doctest.DocTestParser().get_examples(text)]
    for call in (
        "PosePredictor.load(",
        "predictor(image, boxes)",
        "predictor([",
        ".stream(",
        ".draw(",
        ".to_coco(",
        ".in_camera(",
    ):
        assert any(call in source for source in examples), call

import doctest
from pathlib import Path

import cv2
import numpy as np
from untrained import save_run

import ief

PAGE = Path(ief.__file__).parent / "inference" / "README.md"


def test_the_examples_of_the_page_run_as_they_are_shown(tmp_path, monkeypatch):
    save_run(tmp_path / "runs" / "all")
    save_run(tmp_path / "runs" / "3d", dimensions=3)
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "image.jpg"), cv2.resize(rng.integers(0, 255, (7, 9, 3), dtype=np.uint8), (90, 70)))
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

import doctest
from pathlib import Path

from pictures import write_picture
from untrained import save_run

import ief

PAGE = Path(__file__).resolve().parents[3] / "ief" / "inference" / "README.md"


def test_the_examples_of_the_page_run_as_they_are_shown(tmp_path, monkeypatch):
    save_run(tmp_path / "runs" / "all")
    save_run(tmp_path / "runs" / "3d", dimensions=3)
    write_picture(tmp_path / "image.jpg", 90, 70)
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert (failed, tried > 10) == (0, True)


def test_every_public_name_has_an_example():
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"**`{name}`**" in text for name in ief.__all__) and ief.__all__
    examples = "".join(example.source for example in doctest.DocTestParser().get_examples(text))
    for call in ("PosePredictor.load(", "predictor(image, boxes)", "predictor([", ".stream(", ".draw(", ".to_coco("):
        assert call in examples
    assert ".in_camera(" in examples

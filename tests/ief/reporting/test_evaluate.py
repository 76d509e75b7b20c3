"""A detector's poses, which are no pairs with the people, have COCO's AP; an output that is a folder ends at once."""

import contextlib
import io
import json

import numpy as np
import pytest
from coco_files import coco_tree, write_tree
from commands import evaluate, run_ief

from mpii_tools.annotations.read import read_annotations
from mpii_tools.people import People
from mpii_tools.skeletons import SKELETONS

COCO = SKELETONS["coco17"]
PEOPLE = 5


@pytest.fixture
def annotations(tmp_path):
    """COCO's file of five people, each alone in an image whose id is not its number."""
    shape = np.random.default_rng(0).uniform(-60, 60, (PEOPLE, 17, 2))
    place = np.full((PEOPLE, 2), 200.0)
    people = People([f"{row}.jpg" for row in range(PEOPLE)], 200 + shape, center=place, scale=0.8, skeleton=COCO)
    tree = coco_tree(people)
    for entry in (*tree["images"], *tree["annotations"]):
        entry["image_id" if "image_id" in entry else "id"] += 40
    return write_tree(tmp_path / "valid.json", tree)


def detect(annotations, rows, shift, scores):
    """Results of the people of `rows`, each that many pixels off."""
    entries = [json.loads(annotations.read_text())["annotations"][row] for row in rows]
    return [
        {"image_id": one["image_id"], "category_id": 1, "score": score,
         "keypoints": [value + off * (place % 3 < 2) for place, value in enumerate(one["keypoints"])]}
        for one, off, score in zip(entries, shift, scores, strict=True)
    ]  # fmt: skip


def judge(annotations, results):
    """AP and AR of the two files by pycocotools, in percent."""
    from pycocotools.coco import COCO as Api
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = Api(str(annotations))
        run = COCOeval(truth, truth.loadRes(str(results)), "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return 100 * run.stats[[0, 5]]


@pytest.mark.parametrize(("rows", "shift", "scores"), [
    ([0, 1, 2, 3, 4, 0], [0, 0, 0, 0, 0, 90], [0.9] * 5 + [0.1]),  # the one too many ranked last
    ([0, 1, 2, 3, 4, 0], [4, 4, 4, 4, 4, 90], [0.5] * 5 + [0.9]),  # and first
    ([0, 0, 1, 1, 2, 3, 4], [0, 9, 9, 0, 6, 3, 6], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]),
    ([0, 1, 2, 3], [0, 3, 6, 9], [0.9] * 4),  # one is missed
])  # fmt: skip
def test_ap_of_detections_is_pycocotools(annotations, tmp_path, capsys, rows, shift, scores):
    pytest.importorskip("hotcoco")
    results, out = write_tree(tmp_path / "d.json", detect(annotations, rows, shift, scores)), tmp_path / "e.json"
    run_ief("evaluate", "--predictions", results, "--annotations", annotations, status=2)
    assert "people have" in capsys.readouterr().err  # PCK needs one for each
    tree, said = evaluate(results, annotations, "--oks", out=out), capsys.readouterr()
    values = tree["oks"]["values"]
    np.testing.assert_allclose([values["AP"], values["AR"]], judge(annotations, results), atol=1e-9)
    assert "people have" in said.err and f"AP {values['AP']:.1f}" in said.out and list(tree) == ["oks"]
    write_tree(results, [*json.loads(results.read_text()), {"image_id": 7, "keypoints": [1] * 51, "score": 1}])
    assert evaluate(results, annotations, "--oks", out=out) == tree
    assert "1 predictions are in images of nobody" in capsys.readouterr().err


def test_with_oks_kinds_of_error_are_by_similarity(annotations, tmp_path, capsys):
    pytest.importorskip("hotcoco")
    shift, people = [0, 3, 6, 12, 60], read_annotations(annotations).people
    results = write_tree(tmp_path / "d.json", detect(annotations, range(PEOPLE), shift, [0.9] * PEOPLE))
    tree, plain = (evaluate(results, annotations, *more, out=tmp_path / "e.json") for more in (["--oks"], []))
    assert "OKS of 0.85" in capsys.readouterr().out
    distance = 2 * np.square(shift)[:, None]
    similar = np.exp(-distance / (2 * people.area[:, None] * (2 * np.array(COCO.sigmas)) ** 2))
    kinds = {kind: block["groups"]["Mean"] for kind, block in tree["kinds"].items()}
    assert kinds["good"] == pytest.approx(100 * (similar >= 0.85).mean()) and tree["kinds_by"] == "oks"
    assert kinds["jitter"] == pytest.approx(100 * ((similar < 0.85) & (similar >= 0.5)).mean()) and kinds["jitter"] > 0
    assert plain["kinds"]["good"]["groups"]["Mean"] == plain["pck"]["0.2"]["groups"]["Mean"] and "kinds_by" not in plain


def test_detections_of_other_images_have_no_ap(annotations, tmp_path, capsys):
    pytest.importorskip("hotcoco")
    results = detect(annotations, [0, 1], [0, 0], [0.9, 0.9])
    elsewhere = write_tree(tmp_path / "d.json", [one | {"image_id": 7} for one in results])
    run_ief("evaluate", "--predictions", elsewhere, "--annotations", annotations, "--oks", status=2)
    assert "no prediction is in an image" in capsys.readouterr().err


def test_a_folder_for_json_is_refused_before_any_work(tmp_path, capsys):
    files = ["--predictions", tmp_path / "none.npz", "--annotations", tmp_path / "none.mat", "--json", tmp_path]
    run_ief("evaluate", *files, status=2)
    said = capsys.readouterr()
    assert said.out == "" and f"{tmp_path}: " in said.err and "none" not in said.err

"""`ief release`: which run is good enough, what is written, and who takes it by default."""

import configparser
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import smooth_image
from processes import IEF, finish_here, train
from untrained import save_run

import ief.model.release
from checkpoints.errors import PoseError
from evaluation.metrics.measures import PCKH, TORSO
from heads.skeleton import Skeleton
from ief import PosePredictor
from ief.model.release import release_stages
from ief.reporting.model_card import PICTURE_BYTES, failures_picture
from ief.reporting.runs import load_run
from ief.workflow.release import check_releasable
from mpii_tools.people import People

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    """A finished run on the tiny data, which no release would take."""
    folder = tmp_path_factory.mktemp("run")
    finish_here(train(tiny_data, folder, "--preset", "best", "--epochs", "1", "--no-deterministic"))
    return folder


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    release_stages(save_run(tmp_path_factory.mktemp("untrained")), folder)
    return folder


@pytest.fixture
def image(tmp_path):
    cv2.imwrite(str(tmp_path / "image.jpg"), smooth_image(90, 70))
    return tmp_path / "image.jpg"


def release(run, out, *options):
    """The command line of a release."""
    command = [*IEF, "release", "--run", str(run), "--out", str(out), "--license", "none: it is noise"]
    return [*command, "--device", "cpu", "--images", "6", *options]


def test_a_run_below_the_least_is_not_released(run, tmp_path):
    said = finish_here(release(run, tmp_path / "out"), status=2)
    found = json.loads((run / "metrics.json").read_text())["stage1"]["pckh"]["0.5"]["groups"]["Mean"]
    assert f"PCKh@0.5 of stage1 is {found:.1f} [" in said and "released from 55 on; train it longer" in said
    assert said.count("\n") == 1 and not (tmp_path / "out").exists()


def test_the_card_tells_data_license_scores_and_options(run, tmp_path):
    finish_here(release(run, tmp_path / "out", "--least", "0"))
    card = (tmp_path / "out" / "README.md").read_text()
    flat = " ".join(card.split())
    assert (
        "Trained on 24 people of `tiny`, starting from random weights. License of the data: none: it is noise" in flat
    )
    metrics = json.loads((run / "metrics.json").read_text())
    for stage in ("stage0", "stage1"):
        block = metrics[stage]["pckh"]["0.5"]
        low, high = block["interval"]["groups"]["Mean"]
        row = next(line for line in card.splitlines() if line.startswith(f"| stage {stage[-1]} "))
        assert row.endswith(f"| {block['groups']['Mean']:.1f} [{low:.1f}, {high:.1f}] |")
    assert "| `--continue-head` | yes |" in card and "| `--batch-size` | 8 |" in card and "--momentum" not in card
    assert all(len(line) <= 100 or line.startswith(("|", "!")) for line in card.splitlines())
    pictures = re.findall(r"\]\(([^)]+)\)", card)
    picture = (tmp_path / "out" / pictures[0]).read_bytes()
    assert len(pictures) == 1 and len(picture) <= PICTURE_BYTES
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape[1] > 600
    moved = float(re.search(r"by more than ([0-9.]+) px of the 32 px input", flat)[1])
    assert moved < 0.002 * 32
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = config["options.package_data"]["checkpoints"].split()
    shipped = {path for pattern in patterns for path in tmp_path.glob(pattern.replace("released", "out"))}
    assert {path for path in (tmp_path / "out").rglob("*") if path.is_file()} <= shipped


def test_only_mpiis_joints_are_released(run):
    """And only of what was trained and has PCKh."""
    finished = load_run(run, "run", None)
    check_releasable(finished, run, 0.0)
    other = Skeleton(("hub", "rim"), (-1, 0), ())
    torso = replace(TORSO, thresholds=PCKH.thresholds)  # of the scores at hand
    by_torso = {
        stage: {2: replace(scores[2], measure=torso, metrics={torso.name_at(0.5): scores[2].pckh})}
        for stage, scores in finished.stages.items()
    }
    for changed, says in (
        (replace(finished, skeleton=other), "places joints hub, rim, ...; a release places MPII's"),
        (replace(finished, stages=by_torso), "scored by PCK@0.5, as no validation person has a head size"),
        (replace(finished, record={}), "has no trained stage; finish it with `ief train` first"),
    ):
        with pytest.raises(PoseError, match=re.escape(says)):
            check_releasable(changed, run, 0.0)


def test_the_picture_shows_the_worst_and_fits_whatever_is_on_it():
    rng = np.random.default_rng(0)
    joints = 150 + rng.normal(0, 40, (9, 16, 2))
    people = People([f"{row}.jpg" for row in range(9)], joints, head_size=np.full(9, 20.0))
    errors, asked = rng.permutation(9), []

    def noise(name):
        asked.append(int(name[0]))
        return rng.integers(0, 255, (300, 300, 3), dtype=np.uint8)

    picture = failures_picture(people, joints + errors[:, None, None], noise)
    assert errors[asked].tolist() == [8, 7, 6, 5, 4, 3]
    assert 10_000 < len(picture) <= PICTURE_BYTES


def test_the_released_weights_are_taken_unless_others_are_given(released, image, tmp_path, tiny_data, monkeypatch):
    monkeypatch.setattr(ief.model.release, "RELEASED", released)
    array = cv2.imread(str(image))[..., ::-1].copy()
    poses = PosePredictor.load(device="cpu")(array)
    assert np.array_equal(poses.joints, PosePredictor.load(released, device="cpu")(array).joints)
    before = sorted(released.rglob("*"))
    monkeypatch.chdir(tmp_path)
    finish_here([*IEF, "predict", str(image), "--device", "cpu"])
    finish_here([*IEF, "predict", "--data", str(tiny_data), "--device", "cpu"])
    assert {"image.jpg.pose.jpg", "predictions-images.npz", "predictions-valid.npz"} <= {
        path.name for path in (tmp_path / "poses").iterdir()
    }
    assert sorted(released.rglob("*")) == before  # nothing is written beside installed weights


def test_without_released_weights_one_line_asks_for_a_run(image, tmp_path, monkeypatch):
    monkeypatch.setattr(ief.model.release, "RELEASED", tmp_path / "none")
    said = finish_here([*IEF, "predict", str(image), "--out", str(tmp_path / "out")], status=2)
    assert "none: no weights are released" in said and "--run DIR" in said
    assert said.count("\n") == 1 and not (tmp_path / "out").exists()
    with pytest.raises(PoseError, match=r"PosePredictor\.load\(DIR\)"):
        PosePredictor.load()


def test_what_is_released_here_is_whole():
    """Of a checkout with weights: the card is beside them, and they load."""
    folder = ROOT / "checkpoints" / "released"
    if not folder.exists():
        pytest.skip("no weights are released")
    tracked = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert "checkpoints/released/README.md" in tracked
    assert PosePredictor.load(folder, device="cpu").skeleton.names[0] == "r_ankle"

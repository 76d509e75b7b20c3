"""`ief release`: what is written, what the card tells, and who takes it by default."""

import configparser
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from commands import run_ief, said_by
from pictures import write_picture
from processes import finish_here, train
from untrained import save_run

import checkpoints.weights
from checkpoints.errors import PoseError
from heads.skeleton import Skeleton
from ief import PosePredictor
from ief.inference.score_map import ScoreMap
from ief.model.run_folder import release_stages
from ief.workflow.release import release
from mpii_tools.prepared.read import load_prepared

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    """A run with scores of joints, trained on the tiny data."""
    folder = tmp_path_factory.mktemp("run")
    finish_here(train(tiny_data, folder, "--preset", "best", "--loss", "rle", "--epochs", "1", "--no-deterministic"))
    return folder


@pytest.fixture(scope="module")
def written(run, tiny_data, tmp_path_factory):
    """The release of it."""
    out = tmp_path_factory.mktemp("release") / "out"
    words = ["--run", run, "--data", tiny_data, "--out", out, "--license", "none: it is noise", "--name", "tiny-1"]
    run_ief("release", *words, "--trained-on", "noise + more noise", "--device", "cpu")
    return out


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    release_stages(save_run(tmp_path_factory.mktemp("untrained")), folder)
    return folder


@pytest.fixture
def image(tmp_path):
    return write_picture(tmp_path / "image.jpg", 90, 70)


def test_the_card_tells_data_license_scores_and_options(written, tiny_data):
    card = (written / "README.md").read_text()
    flat = " ".join(card.split())
    assert "24 people of noise + more noise, starting from random weights" in flat and "none: it is noise" in flat
    block = json.loads((written / "metrics.json").read_text())["stage1"]["pckh"]["0.5"]
    low, high = block["interval"]["groups"]["Mean"]
    row = next(line for line in card.splitlines() if line.startswith("| stage 1 "))
    assert row.endswith(f"| {block['groups']['Mean']:.1f} [{low:.1f}, {high:.1f}] |")
    assert '; loss="rle"; ' in flat and "; batch_size=8; " in flat and "| `stage` | 0 | 1 |" in card
    assert "These weights are weak" in card  # nobody learns from 24 people
    assert all(len(line) <= 100 or line.startswith(("|", "license")) for line in card.splitlines())


def test_the_front_matter_is_what_hubs_read(written):
    head = (written / "README.md").read_text().split("---\n")[1].splitlines()
    assert 'pipeline_tag: "keypoint-detection"' in head and 'license_name: "none"' in head
    assert head[head.index("datasets:") + 1 :][:2] == ['- "noise"', '- "more noise"']
    assert head[head.index("metrics:") + 1] == '- "PCKh@0.5"'


def test_all_files_of_a_release_are_installed(written):
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = config["options.package_data"]["checkpoints"].split()
    shipped = {path for pattern in patterns for path in written.parent.glob(pattern.replace("released", "out"))}
    assert {path for path in written.rglob("*") if path.is_file()} <= shipped


def test_a_release_says_what_it_is(written, run):
    for folder, says in ((written, "tiny-1: 24 people of noise + more noise"), (run, f"{run}: 24 people of `tiny`")):
        assert checkpoints.weights.describe_run(folder).startswith(f"{says}, 32 px, PCKh@0.5 ")


def test_scores_of_joints_are_shares_right(written, tiny_data):
    """The map never falls, and hides joints that are wrong four times in five."""
    score_map = ScoreMap.load(written)
    people = len(load_prepared(tiny_data, "valid"))
    assert (score_map.people, score_map.measure) == (people, "PCKh@0.5")
    scores = score_map(np.linspace(0, 1, 200))
    assert (np.diff(scores) >= 0).all() and scores[0] >= 0 and scores[-1] <= 1
    rng = np.random.default_rng(0)
    chance = rng.uniform(size=(500, 16))
    correct = (rng.uniform(size=chance.shape) < chance).astype(float)
    fitted = ScoreMap.fit(0.9 + chance / 10, correct, "PCKh@0.5")
    np.testing.assert_allclose(fitted(0.9 + np.array([0.2, 0.5, 0.7]) / 10), [0.2, 0.5, 0.7], atol=0.05)
    hidden = correct[chance < fitted.min_score]
    assert 0.3 < fitted.min_score < 0.5 and hidden.mean() < 0.21  # the mean below t is t / 2
    assert len(fitted.raw) < 300  # plateaus' ends alone


def test_the_card_tells_what_ellipses_hold(written, tiny_data):
    """A share per level, and the spread that is loaded, which holds nine of ten joints."""
    card, split = (written / "README.md").read_text(), load_prepared(tiny_data, "valid")
    (row,) = re.findall(rf"\| {split.name} ((?:\| \d\.\d\d \[[^|]+){{4}})\|\n", card)
    shares = [float(value.split()[0]) for value in row.strip("| ").split("|")]
    assert shares == sorted(shares) and 0 < shares[0] <= shares[-1] <= 1
    poses, _, sigma = PosePredictor.load(written, "cpu").predict_split(split)
    squared = np.square((poses[-1] - split.people.joints) / sigma).sum(axis=-1)[split.people.annotated]
    assert (squared < 2 * np.log(10)).mean() == pytest.approx(0.9, abs=0.01)


def test_only_mpiis_joints_are_released(tiny_data, tmp_path):
    other = Skeleton(tuple(f"part{i}" for i in range(16)), (-1, *[0] * 15), ())
    run = save_run(tmp_path / "run", skeleton=other)
    with pytest.raises(PoseError, match=r"places joints part0, part1, part2, \.\.\.; a release places MPII's"):
        release(run, tmp_path / "out", [tiny_data], "none", device="cpu")
    assert not (tmp_path / "out").exists()


def test_the_released_weights_are_taken_unless_others_are_given(released, image, tmp_path, tiny_data, monkeypatch):
    monkeypatch.setattr(checkpoints.weights, "RELEASED", released)
    poses, named = (PosePredictor.load(*path, device="cpu")(image) for path in ((), (released,)))
    assert np.array_equal(poses.joints, named.joints)
    before = sorted(released.rglob("*"))
    monkeypatch.chdir(tmp_path)
    run_ief("predict", image, "--device", "cpu")
    run_ief("predict", "--data", tiny_data, "--device", "cpu")
    for name in ("image.jpg.pose.jpg", "predictions-images.npz", "predictions-valid.npz"):
        assert (tmp_path / "poses" / name).exists()
    assert sorted(released.rglob("*")) == before  # nothing is written beside installed weights


def test_without_released_weights_one_line_asks_for_a_run(image, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints.weights, "RELEASED", tmp_path / "none")
    said = said_by("predict", image, "--out", tmp_path / "out")
    assert "none: no weights are released" in said and "--run DIR" in said
    assert said.count("\n") == 1 and not (tmp_path / "out").exists()
    with pytest.raises(PoseError, match=r"PosePredictor\.load\(DIR\)"):
        PosePredictor.load()


def fake_hub(monkeypatch, folder):
    """A stand-in for huggingface_hub whose hub is a folder."""
    calls = []

    def upload_folder(repo_id, folder_path):
        calls.append(("upload", repo_id, Path(folder_path)))
        return f"https://hub/{repo_id}"

    def snapshot_download(name, allow_patterns):
        if name != "owner/tiny":
            raise OSError(f"404 for {name}\nmore")
        return str(folder)

    api = types.SimpleNamespace(
        create_repo=lambda name, exist_ok: calls.append(("create", name, exist_ok)), upload_folder=upload_folder
    )
    module = types.SimpleNamespace(HfApi=lambda: api, snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return calls


def test_a_model_on_a_hub_is_loaded_and_written(released, image, monkeypatch):
    calls = fake_hub(monkeypatch, released)
    loaded, local = (PosePredictor.load(path, device="cpu") for path in ("hf:owner/tiny", released))
    assert np.array_equal(loaded(image).joints, local(image).joints)
    with pytest.raises(PoseError, match=r"hf:owner/other: cannot be fetched \(404 for owner/other\)"):
        PosePredictor.load("hf:owner/other")
    assert checkpoints.weights.push_run(released, "owner/tiny") == "https://hub/owner/tiny"
    assert calls == [("create", "owner/tiny", True), ("upload", "owner/tiny", released)]
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(PoseError, match=r"pip install '\.\[hub\]'"):
        PosePredictor.load("hf:owner/tiny")


def test_what_is_released_here_is_whole():
    """Of a checkout with weights: the card is beside them, and they load."""
    folder = ROOT / "checkpoints" / "released"
    if not folder.exists():
        pytest.skip("no weights are released")
    tracked = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert "checkpoints/released/README.md" in tracked
    assert PosePredictor.load(folder, device="cpu").skeleton.names[0] == "r_ankle"

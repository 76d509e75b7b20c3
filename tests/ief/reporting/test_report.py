"""`ief report` on finished runs: what the page and its files show, and what it refuses."""

import html
import json
import re
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from evaluation import Bootstrap, compare
from evaluation.metrics.json_format import difference_to_json, scores_to_json
from evaluation.metrics.relative import relative_errors
from evaluation.report.skeletons import within
from heads.skeleton import Skeleton
from ief.cli import main
from ief.reporting.finished_run import load_run, run_names
from ief.reporting.pictures import draw_people, worst_and_median
from ief.reporting.scoring import ground_truth, load_poses, print_gains, score
from mpii_tools.people import make_people
from mpii_tools.people_file import save_people
from mpii_tools.results.predictions import Predictions, save_predictions
from mpii_tools.skeletons import guess_skeleton

PEOPLE = 30
CLOSENESS = {"ief_star": (20, 16), "bone": (18, 13), "all": (15, 9)}  # px of noise after stage 0 and stage 1


def write_people(path, seed):
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.6, 1.4, PEOPLE)
    joints = 150 + rng.normal(0, 35, (PEOPLE, 16, 2)) * scale[:, None, None]
    joints[rng.random((PEOPLE, 16)) < 0.15] = np.nan
    people = make_people(
        [f"{row:03}.jpg" for row in range(PEOPLE)], joints,
        center=np.full((PEOPLE, 2), 150.0), scale=scale, head_size=25 * scale,
    )  # fmt: skip
    save_people(path, people)
    return people


def write_run(folder, people, noise, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.nan_to_num(people.joints, nan=150.0)
    poses = {"mean_pose": np.broadcast_to(np.nanmean(people.joints, axis=0), truth.shape)}
    for index, std in enumerate(noise):
        poses[f"stage{index}"] = truth + rng.normal(0, std, truth.shape)
        stage = folder / f"stage{index}"
        stage.mkdir(parents=True)
        points = "".join(f"{20 * step},{1 / step:.4f},0.001\n" for step in range(1, 30))
        (stage / "log.csv").write_text(f"step,loss,learning_rate\n{points}")
    for index, (name, joints) in enumerate(poses.items()):
        suffix = "" if index == len(poses) - 1 else f"-{name}"
        save_predictions(
            folder / f"predictions-valid{suffix}.npz",
            Predictions(joints, people.person_ids, people.joint_names, index - 1),
        )
    write_metrics(folder, poses, people)
    return poses


def write_metrics(folder, poses, people, intervals=True):
    scores = {name: scores_to_json(score(joints, people, intervals=intervals)) for name, joints in poses.items()}
    (folder / "metrics.json").write_text(json.dumps(scores))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data/ (people), images/ and three runs, and the poses of each run."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "data").mkdir()
    write_people(folder / "data" / "train.npz", seed=1)
    people = write_people(folder / "data" / "valid.npz", seed=2)
    description = {"name": "made up", "input": 64, "border": 8, "splits": {"train": PEOPLE, "valid": PEOPLE}}
    (folder / "data" / "prepared.json").write_text(json.dumps(description))
    (folder / "images").mkdir()
    rng = np.random.default_rng(3)
    for name in people.images:
        cv2.imwrite(str(folder / "images" / name), rng.integers(0, 255, (300, 300, 3), dtype=np.uint8))
    poses = {name: write_run(folder / name, people, noise) for name, noise in CLOSENESS.items()}
    return folder, people, poses


@pytest.fixture(scope="module")
def report(place):
    """The report of all three runs with everything given."""
    folder, _, _ = place
    out = folder / "out"
    arguments = ["--data", str(folder / "data"), "--images", str(folder / "images"), "--out", str(out)]
    assert main(["report", *(str(folder / name) for name in CLOSENESS), *arguments]) == 0
    return out


@pytest.fixture
def quick(monkeypatch):
    """What takes most of a report's time is done once, by `report`: here no plot is rendered, few resamples drawn."""
    monkeypatch.setattr("evaluation.report.page.to_svg", lambda figure: b"<svg></svg>")
    monkeypatch.setattr("evaluation.metrics.breakdown.DEFAULT_BOOTSTRAP", Bootstrap(resamples=20))


def test_everything_is_there(report):
    page = (report / "index.html").read_text()
    results = json.loads((report / "results.json").read_text())
    assert {path.name for path in (report / "tables").iterdir()} == {f"{name}.md" for name in results["tables"]}
    assert all(path.stat().st_size > 0 for path in (report / "tables").iterdir())
    assert {"table1", "table7", "table8", "joints-all", "bones-all", "movement", "figure1"} <= set(results["tables"])
    drawn = {path.name.removesuffix(".svg") for path in (report / "figures").iterdir()}
    assert drawn == {
        "pckh-curves", "pckh-per-joint", "joint-error", "bone-error", "error-by-size", "error-by-annotated",
        "error-by-group", "error-by-path", "movement", "figure1", "figure1-tree", "training-stage0", "training-stage1",
    }  # fmt: skip
    assert all(b"</svg>" in path.read_bytes() for path in (report / "figures").iterdir())
    assert page.count("data:image/svg+xml") == len(drawn)
    assert page.count("data:image/jpeg") == 12
    assert "http" not in page


def test_differences_are_to_ief_star_at_the_same_stage(place, report):
    _, people, poses = place
    results = json.loads((report / "results.json").read_text())
    assert [(d["run"], d["stage"], d["reference"]) for d in results["differences"]] == [
        (run, stage, "ief_star at the same stage") for run in ("bone", "all") for stage in ("stage0", "stage1")
    ]
    want = compare(poses["all"]["stage1"], poses["ief_star"]["stage1"], ground_truth(people))
    tree = json.loads(json.dumps(difference_to_json(want)))
    assert results["differences"][-1] == {
        "run": "all", "stage": "stage1", "reference": "ief_star at the same stage", **tree,
    }  # fmt: skip
    table = results["tables"]["table7"]
    start = dict((caption, row) for row, caption in table["sections"])["Stage 1"]
    rows = {row[0]: dict(zip(table["head"], row, strict=True)) for row in table["rows"][start:]}
    error, paper = want.joint_error.image_px, "Paper, on MPII: PCKh@0.5"
    assert rows["all"]["Δ Joint px"] == {"value": error.value, "interval": [error.low, error.high]}
    assert rows["all"][paper]["value"] == 86.4 and rows["bone"][paper]["value"] == 82.7


def test_relative_positions_are_scored_by_the_bones_between(place, report):
    _, people, poses = place
    table = json.loads((report / "results.json").read_text())["tables"]["error-by-path"]
    rows = {row[0]: row[1:] for row in table["rows"]}
    assert list(rows) == ["ief_star", "bone", "all"] and table["head"] == ["bones between", *"1234567"]
    expected = relative_errors(ground_truth(people), [poses["all"]["stage1"]])
    assert [value["value"] for value in rows["all"]] == [error.value for error in expected.values()]
    assert [tuple(value["interval"]) for value in rows["all"]] == [error.interval for error in expected.values()]


def test_a_single_run_is_compared_with_its_stage_0(place, tmp_path, quick):
    folder, _, _ = place
    arguments = ["--annotations", str(folder / "data" / "valid.npz"), "--published", "none", "--out", str(tmp_path)]
    assert main(["report", str(folder / "all"), *arguments]) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(d["stage"], d["reference"]) for d in results["differences"]] == [
        ("mean_pose", "stage 0"), ("stage1", "stage 0"),
    ]  # fmt: skip
    moved = results["movement"]["all"]["all"]
    assert moved["change"] == pytest.approx(results["differences"][1]["joint_error"]["image_px"])
    page = (tmp_path / "index.html").read_text()
    assert "Newell" not in page and results["published"] == {}
    assert "data:image/jpeg" not in page and "nobody is drawn" in page
    assert "no training annotations were given" in page  # Figure 1 is then of the validation people


def test_an_image_that_cannot_be_drawn_on_ends_no_report(place, tmp_path, quick, capsys):
    folder, _, _ = place
    shutil.copytree(folder / "images", tmp_path / "images")
    broken, *_ = sorted((tmp_path / "images").iterdir())
    for path in (tmp_path / "images").iterdir():
        if path != broken:
            path.unlink()
    broken.write_bytes(b"no image")
    arguments = ["--data", str(folder / "data"), "--images", str(tmp_path / "images"), "--out", str(tmp_path / "out")]
    assert main(["report", str(folder / "all"), *arguments]) == 3
    assert "12 left out, everything else is written" in capsys.readouterr().err
    assert (tmp_path / "out" / "results.json").exists()
    assert "data:image/jpeg" not in (tmp_path / "out" / "index.html").read_text()


def test_scores_of_joints_are_shown_if_a_run_has_them(place, tmp_path, quick):
    folder, people, poses = place
    distance = np.linalg.norm(poses["all"]["stage1"] - people.joints, axis=-1)
    noise = np.random.default_rng(0).normal(0, 0.05, distance.shape)
    scores = np.clip(np.exp(-np.nan_to_num(distance, nan=9.0) / 30) + noise, 0, 1)
    scores[:3] = np.nan
    runs = [tmp_path / name for name in CLOSENESS]
    for run in runs:
        shutil.copytree(folder / run.name, run)
    for name, file, stage in (("all", "predictions-valid", 1), ("bone", "predictions-valid-stage0", 0)):
        joints = poses[name][f"stage{stage}"]  # of bone not the last stage
        scored = Predictions(joints, people.person_ids, stage=stage, scores=scores)
        save_predictions(tmp_path / name / f"{file}.npz", scored)
    arguments = ["--annotations", str(folder / "data" / "valid.npz"), "--out", str(tmp_path)]
    assert main(["report", *map(str, runs), *arguments]) == 0
    found = json.loads((tmp_path / "results.json").read_text())["scores"]
    assert list(found) == ["all"]
    head = people.head_size[3:, None]
    kept = np.isfinite(distance[3:])
    correct = (distance[3:] <= 0.5 * head)[kept]
    predicted = found["all"]["as_predicted"]
    assert predicted["joints"] == kept.sum() == found["all"]["calibrated"]["joints"]
    assert predicted["correlation"] == pytest.approx(np.corrcoef(scores[3:][kept], correct)[0, 1])
    assert predicted["correct"] == pytest.approx(correct.mean())
    low, high = predicted["interval"]["correlation"]
    assert 0 < low < predicted["correlation"] < high
    assert "reliability-all.svg" in {path.name for path in (tmp_path / "figures").iterdir()}
    page = (tmp_path / "index.html").read_text()
    assert "Scores of joints and their correctness" in page


def test_without_scores_there_is_no_section_of_them(report):
    assert "Scores of joints" not in (report / "index.html").read_text()
    assert json.loads((report / "results.json").read_text())["scores"] == {}


def test_without_annotations_what_is_missing_is_said(place, tmp_path, quick):
    folder, _, _ = place
    assert main(["report", str(folder / "all"), str(folder / "bone"), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "index.html").read_text()
    assert "need the validation annotations" in page and "nobody is drawn" in page
    assert "No annotations with" in page  # Figure 1
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["differences"] == [] and results["movement"] == {} and list(results["runs"]) == ["all", "bone"]
    assert "Δ" not in (tmp_path / "tables" / "table7.md").read_text()


def test_a_run_without_predictions_is_named_and_the_first_run_is_the_reference(place, tmp_path, quick):
    folder, _, _ = place
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(folder / "ief_star" / "metrics.json", bare)
    runs = [str(folder / "bone"), str(bare), str(folder / "all")]
    arguments = ["--annotations", str(folder / "data" / "valid.npz"), "--out", str(tmp_path / "out")]
    assert main(["report", *runs, *arguments]) == 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert "without differences and parts of the data: bare." in page
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [(d["run"], d["reference"]) for d in results["differences"]] == [("all", "bone at the same stage")] * 2
    assert list(results["movement"]) == list(results["breakdowns"]["size"]) == ["bone", "all"]


@pytest.mark.parametrize("stale", ["missing", "of other people", "without intervals"])
def test_scores_come_from_predictions_if_metrics_are_not_of_them(place, tmp_path, stale):
    _, people, _ = place
    poses = write_run(tmp_path / "run", people, CLOSENESS["all"])
    path = tmp_path / "run" / "metrics.json"
    text = path.read_text()
    fresh = load_run(path.parent, "run", people).stages
    assert json.dumps({stage: scores_to_json(scores) for stage, scores in fresh.items()}) == text
    if stale == "missing":
        path.unlink()
    elif stale == "of other people":
        write_metrics(path.parent, poses, write_people(tmp_path / "others.npz", seed=9))
    else:
        write_metrics(path.parent, poses, people, intervals=False)
    assert load_run(path.parent, "run", people).stages == fresh
    if stale != "missing":  # with nothing to check it against, metrics.json is taken as it is
        found = load_run(path.parent, "run", None).stages
        assert found != fresh
        assert json.dumps({stage: scores_to_json(scores) for stage, scores in found.items()}) == path.read_text()


def test_gains_are_the_paired_differences_of_successive_stages(place, capsys):
    folder, people, poses = place
    found = load_poses(folder / "all", people)
    assert list(found) == ["mean_pose", "stage0", "stage1"]
    np.testing.assert_allclose(found["stage1"], poses["all"]["stage1"])
    print_gains(folder / "all", people)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head == "Gain over the previous stage, paired 95 % confidence interval over people:"
    assert first.startswith("  stage 0 - mean pose: PCKh@0.5 +")
    gain = compare(found["stage1"], found["stage0"], ground_truth(people))
    parts = [
        f"{name} {e.value:+.1f} [{e.low:+.1f}, {e.high:+.1f}] {unit}"
        for name, e, unit in (
            ("PCKh@0.5", gain.mean_pckh, "points"),
            ("joint error", gain.joint_error.image_px, "px"),
            ("bone error", gain.bone_error.image_px, "px"),
        )
    ]
    assert second == f"  stage 1 - stage 0: {', '.join(parts)}"


def test_people_without_scale_and_head_size_still_make_a_report(place, tmp_path, quick):
    _, people, _ = place
    bare = make_people(people.images, people.joints)
    save_people(tmp_path / "bare.npz", bare)
    write_run(tmp_path / "run", bare, (20, 10))
    arguments = ["--annotations", str(tmp_path / "bare.npz"), "--out", str(tmp_path / "out")]
    assert main(["report", str(tmp_path / "run"), *arguments]) == 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert "By person size: nothing to show" in page and "No annotations with" in page
    assert "PCK@0.2 of the torso" in page and "PCKh" not in page  # the unit that is left


LIMBS = ("ankle", "knee", "hip", "shoulder", "elbow", "wrist")
OWN_LABELS = [f"{side}_{limb}" for limb in LIMBS for side in ("right", "left")]
EDGES = [(0, 2), (2, 4), (4, 5), (5, 3), (3, 1), (4, 6), (5, 7), (6, 8), (8, 10), (7, 9), (9, 11)]
# Skeletons whose root has a mirror image -> the rows of their bones, and what Figure 1 shows of them.
MIRRORED_ROOTS = {
    "labels of 12 joints": (
        guess_skeleton(OWN_LABELS, EDGES)[0],
        ["ankle to knee", "knee to ankle and hip", "hip to knee and hip", "shoulder to hip", "elbow to shoulder",
         "wrist to elbow"],
        ["ankle", "knee", "hip", "shoulder", "elbow", "wrist"],
    ),
    "a chain, the sides last": (
        Skeleton(("hand_right", "chest", "hand_left", "tip_right", "tip_left"), (-1, 0, 1, 0, 2), ((0, 2), (3, 4))),
        ["hand to chest", "tip to hand", "chest to hand"],
        ["chest", "hand", "tip"],
    ),
    "two joints, the left one first": (
        Skeleton(("l_eye", "r_eye"), (-1, 0), ((0, 1),)), ["eye to eye"], ["eye"],
    ),
    "names that share nothing": (
        Skeleton(("east", "west", "mast"), (-1, 2, 0), ((0, 1),)), ["east and west to mast", "mast to east and west"],
        ["east and west", "mast"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MIRRORED_ROOTS)
def test_a_root_with_a_mirror_image_has_no_bone(tmp_path, quick, name):
    skeleton, bones, kinds = MIRRORED_ROOTS[name]
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.6, 1.4, PEOPLE)
    joints = rng.normal(150, 35, (PEOPLE, len(skeleton), 2))
    center = np.full((PEOPLE, 2), 150.0)
    people = make_people([f"{row}.jpg" for row in range(PEOPLE)], joints, skeleton=skeleton, center=center, scale=scale)
    save_people(tmp_path / "own.npz", people)
    poses = write_run(tmp_path / "run", people, (20, 10))
    arguments = ["--annotations", str(tmp_path / "own.npz"), "--out", str(tmp_path / "out")]
    assert main(["report", str(tmp_path / "run"), *arguments]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    table = results["tables"]["bones-stage-1"]
    assert [row[0] for row in table["rows"]] == bones
    off = poses["stage1"] - joints
    wanted = {
        child: np.linalg.norm((off[:, parent] - off[:, child]), axis=-1).mean()
        for child, parent in enumerate(skeleton.parents)
        if parent >= 0
    }
    right, left = table["head"].index("Error px R"), table["head"].index("Error px L")
    shown = [row[column]["value"] for row in table["rows"] for column in (right, left) if row[column] != ""]
    assert sorted(shown) == pytest.approx(sorted(wanted.values()))
    for (right_joint, left_joint), row in zip(skeleton.flip_pairs, table["rows"], strict=False):
        for joint, cell in ((right_joint, row[right]), (left_joint, row[left])):
            assert cell == "" if joint == skeleton.root else cell["value"] == pytest.approx(wanted[joint])
    assert sorted(results["figure1"]) == sorted(kinds)
    for kind in results["figure1"].values():  # a place in the crop is no bone
        assert kind["bone"] != kind["joint"]


@pytest.fixture(scope="module")
def bad_runs(place, tmp_path_factory):
    """Name -> path: what `place` holds, and run folders with a fault each."""
    folder, _, _ = place
    bad = tmp_path_factory.mktemp("bad")
    for name in ("corrupt", "stage"):
        shutil.copytree(folder / "all", bad / name)
    (bad / "corrupt" / "stage0" / "log.csv").write_text("step,loss\n20,abc\n")
    (bad / "stage" / "stage0" / "stage.safetensors").write_bytes(b"corrupt")
    for name, text in (("empty", "{}"), ("half", '{"stage0": '), ("other", '{"stage0": {"convention": 1, "pckh": 2, '
                                                                  '"joint_error": 3}}')):  # fmt: skip
        (bad / name).mkdir()
        (bad / name / "metrics.json").write_text(text)
    save_people(bad / "others.npz", make_people([f"x{row}.jpg" for row in range(3)], np.zeros((3, 16, 2))))
    paths = [folder / "all", folder / "images", folder / "data", *bad.iterdir()]
    return {path.stem: path for path in paths}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["{all}", "--images", "{images}"], "--images draws the validation people"),
        (["{all}", "{all}"], "one or more different run folders"),
        (["{all}", "--published", "cao"], "no published row 'cao'"),
        (["{all}", "--data", "{images}"], "holds no prepared.json"),
        (["{corrupt}"], "log.csv: corrupt"),
        (["{empty}"], "metrics.json: holds no scores"),
        (["{half}"], "metrics.json: corrupt"),
        (["{other}"], "metrics.json: corrupt"),
        (["{stage}"], "stage.safetensors: no stage"),
        (["{images}"], "no metrics.json"),
        (["{all}", "--annotations", "{others}"], "predictions-valid"),
        (["{all}", "--data", "{data}", "--images", "{data}"], "no image"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(bad_runs, tmp_path, capsys, change, says):
    arguments = [word.format(**bad_runs) for word in change]
    assert main(["report", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert says in error and error.startswith("ief report: ") and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_runs_of_one_name_are_told_apart(tmp_path):
    folders = [tmp_path / parts for parts in ("a/all", "b/all", "b/bone")]
    assert run_names(folders) == ["a/all", "b/all", "b/bone"]
    assert run_names(folders[1:]) == ["all", "bone"]


def test_predictions_beyond_the_image_are_not_drawn():
    joints = np.array([[-0.5, 0.0], [-0.6, 3.0], [9.5, 7.5], [9.4, 7.6], [np.nan, 1.0]])
    seen = np.isfinite(within(joints, np.zeros((8, 10, 3)))).all(axis=1)
    assert seen.tolist() == [True, False, True, False, False]

    image = np.full((80, 80, 3), 90, np.uint8)
    people = make_people(["a.png"], np.random.default_rng(0).uniform(10, 70, (1, 16, 2)))
    pose = people.joints + 2
    near = draw_people(people, pose, lambda _: image, [0])[0][1]
    pose[0, 0] = (40, 5000)
    assert draw_people(people, pose, lambda _: image, [0])[0][1].shape == near.shape
    pose[0, 0] = np.nan
    left_out = draw_people(people, pose, lambda _: image, [0])[0][1]
    pose[0, 0] = (-300, 40)
    np.testing.assert_array_equal(draw_people(people, pose, lambda _: image, [0])[0][1], left_out)


@pytest.mark.parametrize("people", [0, 1, 5, 11, 12, 13, 100])
def test_worst_and_median_are_different_people(people):
    errors = np.random.default_rng(people).permutation(people).astype(float)
    errors = np.append(errors, np.nan)
    labels = worst_and_median(errors)
    assert len(labels) == min(people, 12)
    worst = [row for row, label in labels.items() if label.startswith("worst")]
    assert sorted(errors[worst], reverse=True) == list(range(people - 1, people - 1 - len(worst), -1))
    median = errors[[row for row, label in labels.items() if label.startswith("median")]]
    if people >= 24:
        assert abs(median - (people - 1) / 2).max() <= 3.5


# Loads the page in frames of two widths and writes down what does not load or does not fit.
FRAMES = """<!doctype html><meta charset="utf-8">
{frames}
<script>
window.onload = () => {{
  const found = {{}};
  for (const frame of document.querySelectorAll("iframe")) {{
    const page = frame.contentDocument, root = page.documentElement;
    page.querySelectorAll("details").forEach(details => details.open = true);
    const images = [...page.images], scrolled = element => element.closest(".scroll");
    found[frame.width] = {{
      images: images.length,
      broken: images.filter(image => !(image.complete && image.naturalWidth > 0)).map(image => image.alt),
      overflow: root.scrollWidth - root.clientWidth,
      cut: [...page.body.querySelectorAll("*")].filter(element => !scrolled(element)
        && element.getBoundingClientRect().right > root.clientWidth + 1).map(element => element.outerHTML.slice(0, 80)),
      wide: [...page.querySelectorAll(".scroll")].filter(box => box.scrollWidth > box.clientWidth).length,
    }};
  }}
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(found);
}};
</script>"""


def test_a_browser_shows_the_page_whole_at_desktop_and_phone_width(report, tmp_path):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed to open the page in")
    text = (report / "index.html").read_text()
    pictures = len(list((report / "figures").iterdir())) + text.count("data:image/jpeg")
    page = html.escape(text, quote=True)
    frames = "\n".join(f'<iframe width="{width}" height="900" srcdoc="{page}"></iframe>' for width in (1280, 390))
    (tmp_path / "frames.html").write_text(FRAMES.format(frames=frames))
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000", "--dump-dom",
        (tmp_path / "frames.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    said = re.search(r"<pre>(.*?)</pre>", done.stdout, re.S)
    assert said, done.stderr[-2000:]
    found = json.loads(html.unescape(said.group(1)))
    for width in ("1280", "390"):
        assert found[width]["images"] == pictures
        assert found[width]["broken"] == [] and found[width]["cut"] == [] and found[width]["overflow"] <= 0
    assert found["390"]["wide"] > found["1280"]["wide"]  # on a phone the wide tables scroll in their own boxes

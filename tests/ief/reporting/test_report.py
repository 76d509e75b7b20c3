"""`ief report` on finished runs in 2D and 3D: what the page and its files show, and what it refuses."""

import base64
import html
import json
import re
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from browser import read_page
from commands import run_ief, said_by
from finished_runs import write_people, write_run, write_split

from evaluation import KINDS, classify_errors, compare, mpjpe
from evaluation.metrics.errors import relative_errors
from evaluation.metrics.json_format import difference_to_json
from evaluation.report.representation import average_kinds, pose_std
from heads.skeleton import MPII, Skeleton
from ief.reporting.runs import load_metrics
from ief.reporting.scoring import ground_truth, score_poses, to_tree
from mpii_tools.annotations.people_file import save_people
from mpii_tools.people import People
from mpii_tools.results.predictions import Predictions, save_predictions

NAMES = ["ief_star", "bone", "all"]


def test_everything_is_there(flat_report):
    out, tables, page = flat_report.out, flat_report.results["tables"], flat_report.page
    written, figures = sorted((out / "tables").iterdir()), {path.stem: path for path in (out / "figures").iterdir()}
    assert {path.name for path in written} == {f"{name}.md" for name in tables}
    assert {"table1", "table7", "table8", "joints-all", "movement"} <= set(tables)
    assert figures.keys() == {
        "differences", "pckh-curves", "pckh-per-joint", "joint-error", "bone-error", "error-by-size",
        "error-by-annotated", "error-by-path", "error-kinds", "figure1",
        "training-stage0", "training-stage1",
    }  # fmt: skip
    assert all(path.stat().st_size > 0 for path in written)
    assert all(path.suffix == ".svg" and b"</svg>" in path.read_bytes() for path in figures.values())
    assert page.count('<svg role="img"') == len(figures)
    assert page.count("data:image/jpeg") == 12 + 1 and "http" not in page


def difference_of(flat, name):
    """A method's difference to `ief_star` after stage 1, as JSON has it."""
    want = compare(flat.poses[name]["stage1"], flat.poses["ief_star"]["stage1"], ground_truth(flat.people))
    return json.loads(json.dumps(difference_to_json(want)))


def test_differences_are_to_ief_star_at_the_same_stage(flat, flat_report):
    found, same = flat_report.results["differences"], "ief_star at the same stage"
    wanted = [(run, stage, same) for run in ("bone", "all") for stage in ("stage0", "stage1")]
    assert [(one["run"], one["stage"], one["reference"]) for one in found] == wanted
    tree = difference_of(flat, "all")
    assert found[-1] == {"run": "all", "stage": "stage1", "reference": same, **tree}
    table = flat_report.results["tables"]["table7"]
    start = {caption: row for row, caption in table["sections"]}["Stage 1"]
    rows = {row[0]: dict(zip(table["head"], row, strict=True)) for row in table["rows"][start:]}
    error, paper = tree["joint_error"], "Paper, on MPII: PCKh@0.5"
    assert rows["all"]["Δ Joint px"] == {"value": error["image_px"], "interval": error["interval"]["image_px"]}
    assert rows["all"][paper]["value"] == 86.4 and rows["bone"][paper]["value"] == 82.7


def test_the_verdict_is_of_every_two_methods(flat, flat_report):
    verdict, page = flat_report.results["verdict"], flat_report.page
    pairs = [(pair["run"], pair["reference"]) for pair in verdict["pairs"]]
    assert pairs == [("all", "bone"), ("all", "ief_star"), ("bone", "ief_star")] and len(verdict["sentences"]) == 2
    tree = difference_of(flat, "bone")
    assert {key: verdict["pairs"][2][key] for key in tree} == tree and verdict["sentences"][0] in page
    assert page.index("Verdict</h2>") < page.index("Table 7: ", page.index("</nav>"))


def test_predictions_are_reported_like_runs(flat, tmp_path, write_report):
    for name in ("bone", "all"):
        np.save(tmp_path / f"{name}.npy", flat.poses[name]["stage1"] + 1)  # an array counts pixels from 1
    given = ("--annotations", flat.folder / "data" / "valid.npz")
    inputs = [f"Bone={tmp_path / 'bone.npy'}", tmp_path / "all.npy", flat.folder / "ief_star"]
    results = write_report(tmp_path / "out", inputs, *given).results
    assert list(results["runs"]) == ["Bone", "all.npy", "ief_star"]
    found = results["differences"]
    wanted = [(name, "predictions", "ief_star") for name in ("Bone", "all.npy")]
    assert [(one["run"], one["stage"], one["reference"]) for one in found] == wanted
    want = difference_of(flat, "all")["joint_error"]["image_px"]
    assert found[1]["joint_error"]["image_px"] == pytest.approx(want)
    alone = write_report(tmp_path / "alone", inputs[:2], *given)
    assert "Table 7: errors and PCKh<" in alone.page and "figure1" not in alone.results
    assert alone.results["verdict"]["pairs"][0]["run"] == "all.npy" and ">Training<" not in alone.page


def test_swaps_know_the_training_people_of_an_image(flat, tmp_path, write_report):
    people = flat.people
    ids = [f"t{row}" for row in range(len(people))]
    save_people(tmp_path / "train.npz", replace(people, joints=people.joints + 1000, person_ids=ids))
    save_predictions(tmp_path / "pose.npz", Predictions(np.nan_to_num(people.joints) + 1000, people.person_ids))
    given = ["--annotations", flat.folder / "data" / "valid.npz"]
    for more, kind in (([], "miss"), (["--training", tmp_path / "train.npz"], "swap")):
        results = write_report(tmp_path / kind, [tmp_path / "pose.npz"], *given, *more).results
        assert results["runs"]["pose.npz"]["stages"]["predictions"]["kinds"][kind]["groups"]["Mean"] == 100


def test_relative_positions_are_scored_by_the_bones_between(flat, flat_report):
    table = flat_report.results["tables"]["error-by-path"]
    rows = {row[0]: row[1:] for row in table["rows"]}
    assert list(rows) == NAMES and table["head"] == ["bones between", *"1234567"]
    expected = relative_errors(ground_truth(flat.people), [flat.poses["all"]["stage1"]])
    assert [value["value"] for value in rows["all"]] == [error.value for error in expected.values()]
    assert [tuple(value["interval"]) for value in rows["all"]] == [error.interval for error in expected.values()]


def test_a_single_run_is_compared_with_its_stage_0(flat, tmp_path, write_report):
    given = ("--annotations", flat.folder / "data" / "valid.npz", "--published", "none")
    found = write_report(tmp_path, [flat.folder / "all"], *given)
    differences = found.results["differences"]
    assert [(d["stage"], d["reference"]) for d in differences] == [("mean_pose", "stage 0"), ("stage1", "stage 0")]
    ((_, *_, change),) = found.results["tables"]["movement"]["rows"]
    assert change["value"] == pytest.approx(differences[1]["joint_error"]["image_px"])
    assert "Newell" not in found.page and found.results["published"] == {}
    assert found.page.count("data:image/jpeg") == 1 and "nobody is drawn" in found.page  # the mean pose
    assert "no training annotations were given" in found.page  # Figure 1 is then of the validation people


def test_an_image_that_cannot_be_drawn_on_ends_no_report(flat, tmp_path, write_report, capsys):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "000.jpg").write_bytes(b"no image")
    given = ["--data", flat.folder / "data", "--images", tmp_path / "images", "--out", tmp_path / "out"]
    run_ief("report", flat.folder / "all", *given, status=3)
    assert "12 left out" in capsys.readouterr().err and (tmp_path / "out" / "results.json").exists()
    assert (tmp_path / "out" / "index.html").read_text().count("data:image/jpeg") == 1  # the mean pose


def test_thumbnails_keep_to_their_number_and_others_are_linked(flat, tmp_path, write_report):
    given = ("--annotations", flat.folder / "data" / "valid.npz", "--images", flat.folder / "images", "--thumbnails", 2)
    found = write_report(tmp_path / "out", [flat.folder / "all"], *given)
    data = json.loads(re.search(r'class="people-data">(.*?)</script>', found.page, re.S).group(1))
    drawn = [person for person in data["people"] if "thumbnail" in person]
    assert len(drawn) == 2 and len(data["people"]) == len(flat.people)
    linked = tmp_path / "out" / data["images"] / data["people"][0]["image"]
    assert linked.resolve() == (flat.folder / "images" / flat.people.images[0]).resolve()
    errors = np.linalg.norm(flat.poses["all"]["stage1"] - flat.people.joints, axis=-1) / flat.people.head_size[:, None]
    worst = np.nanargmax(np.nanmean(errors, axis=1))  # is drawn, in its box
    person = data["people"][worst]
    image = cv2.imdecode(np.frombuffer(base64.b64decode(person["thumbnail"]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (128, 128, 3) and person["size"] == pytest.approx(flat.people.head_size[worst], abs=1e-3)
    places = np.frombuffer(base64.b64decode(data["places"]), "<i2").reshape(3, len(flat.people), 16, 2)[2, worst]
    assert data["methods"] == ["stage 0", "stage 1"]
    joints = places / 4096 * person["side"] + (person["x"], person["y"])
    assert joints == pytest.approx(flat.poses["all"]["stage1"][worst], abs=person["side"] / 4096)


def test_scores_of_joints_are_shown_if_a_run_has_them(flat, flat_report, tmp_path, write_report):
    assert "scores" not in flat_report.results and "scores" not in flat_report.results["tables"]
    people = flat.people
    distance = np.linalg.norm(flat.poses["all"]["stage1"] - people.joints, axis=-1)
    noise = np.random.default_rng(0).normal(0, 0.05, distance.shape)
    scores = np.clip(np.exp(-np.nan_to_num(distance, nan=9.0) / 30) + noise, 0, 1)
    scores[:3] = np.nan
    runs = [shutil.copytree(flat.folder / name, tmp_path / name) for name in NAMES]
    for name, file, stage in (("all", "predictions-valid", 1), ("bone", "predictions-valid-stage0", 0)):
        joints = flat.poses[name][f"stage{stage}"]  # of bone not the last stage
        scored = Predictions(joints, people.person_ids, stage=stage, scores=scores)
        save_predictions(tmp_path / name / f"{file}.npz", scored)
    report = write_report(tmp_path, runs, "--annotations", flat.folder / "data" / "valid.npz")
    found, kept = report.results["scores"], np.isfinite(distance[3:])
    assert list(found) == ["all"] and "scores" in report.results["tables"]
    correct = (distance[3:] <= 0.5 * people.head_size[3:, None])[kept]
    predicted = found["all"]["as_predicted"]
    assert predicted["joints"] == kept.sum() == found["all"]["calibrated"]["joints"]
    assert predicted["correlation"] == pytest.approx(np.corrcoef(scores[3:][kept], correct)[0, 1])
    assert predicted["correct"] == pytest.approx(correct.mean())
    low, high = predicted["interval"]["correlation"]
    assert 0 < low < predicted["correlation"] < high
    assert (tmp_path / "figures" / "reliability-all.svg").exists()


def test_without_annotations_what_is_missing_is_said(flat, tmp_path, write_report):
    found = write_report(tmp_path, [flat.folder / "all", flat.folder / "bone"])
    results = found.results
    assert results["differences"] == [] and list(results["runs"]) == ["all", "bone"]
    assert results["figure1"] == {} and not {"movement", "error-by-size"} & set(results["tables"])
    assert all(words in found.page for words in ("--annotations", "nobody is drawn", "No annotations with"))
    assert "Δ" not in (tmp_path / "tables" / "table7.md").read_text()


def test_a_run_without_predictions_is_named(flat, tmp_path, write_report):
    """Without `ief_star` the first run is the reference."""
    (bare := tmp_path / "bare").mkdir()
    shutil.copy(flat.folder / "ief_star" / "metrics.json", bare)
    runs = [flat.folder / "bone", bare, flat.folder / "all"]
    found = write_report(tmp_path / "out", runs, "--annotations", flat.folder / "data" / "valid.npz")
    assert ": bare." in found.page
    assert [(d["run"], d["reference"]) for d in found.results["differences"]] == [("all", "bone at the same stage")] * 2
    tables = found.results["tables"]
    assert [row[0] for row in tables["movement"]["rows"]] == tables["error-by-size"]["head"][2:] == ["bone", "all"]


def test_people_without_scale_and_head_size_make_a_report(flat, tmp_path, write_report):
    bare = People(flat.people.images, flat.people.joints)
    save_people(tmp_path / "bare.npz", bare)
    write_run(tmp_path / "run", bare, (20, 10))
    page = write_report(tmp_path / "out", [tmp_path / "run"], "--annotations", tmp_path / "bare.npz").page
    assert "By person size: nothing to show" in page and "No annotations with" in page
    assert "PCK@0.2 of the torso" in page and "PCKh" not in page  # the unit that is left


LIMBS = ("ankle", "knee", "hip", "shoulder", "elbow", "wrist")
OWN_LABELS = [f"{side}_{limb}" for limb in LIMBS for side in ("right", "left")]
PAIRS = tuple((joint, joint + 1) for joint in range(0, 12, 2))
# Skeletons whose root has a mirror image -> what Figure 1 shows of them.
MIRRORED_ROOTS = {
    "labels of 12 joints": (Skeleton(tuple(OWN_LABELS), (-1, 3, 0, 5, 2, 4, 4, 5, 6, 7, 8, 9), PAIRS), list(LIMBS)),
    "a chain, the sides last": (
        Skeleton(("hand_right", "chest", "hand_left", "tip_right", "tip_left"), (-1, 0, 1, 0, 2), ((0, 2), (3, 4))),
        ["chest", "hand", "tip"],
    ),
    "two joints, the left one first": (Skeleton(("l_eye", "r_eye"), (-1, 0), ((0, 1),)), ["eye"]),
    "names that share nothing": (Skeleton(("east", "west", "mast"), (-1, 2, 0), ((0, 1),)), ["east and west", "mast"]),
}


@pytest.mark.parametrize("name", MIRRORED_ROOTS)
def test_a_root_with_a_mirror_image_has_no_bone(tmp_path, write_report, name):
    skeleton, kinds = MIRRORED_ROOTS[name]
    people = write_people(tmp_path / "own.npz", seed=0, skeleton=skeleton, head_size=None)
    off = write_run(tmp_path / "run", people, (20, 10))["stage1"] - people.joints
    results = write_report(tmp_path / "out", [tmp_path / "run"], "--annotations", tmp_path / "own.npz").results
    table = results["tables"]["joints-stage-1"]
    column = table["head"].index("Bone error")
    assert tuple(row[0] for row in table["rows"]) == skeleton.names
    for joint, (row, parent) in enumerate(zip(table["rows"], skeleton.parents, strict=True)):
        wanted = np.nanmean(np.linalg.norm(off[:, parent] - off[:, joint], axis=-1))
        assert row[column] == "-" if joint == skeleton.root else row[column]["value"] == pytest.approx(wanted)
    assert sorted(results["figure1"]) == sorted(kinds)
    for kind in results["figure1"].values():  # a place in the crop is no bone
        assert kind["bone"] != kind["joint"]


def test_every_table_and_figure_in_3d_is_there(deep_report):
    tables, page = deep_report.results["tables"], deep_report.page
    wanted = {"table2", "second-dataset", "table3-joint-error", "table3-pa-joint-error", "table3-bone-error",
              "table3-bone-std", "table3-illegal-angle", "table4", "table5", "table6"}  # fmt: skip
    assert wanted <= set(tables) and {"table7", "table8"} <= set(tables)
    assert page.count("data:image/jpeg") == 12 + 2 + 8 + 1  # with and without depth, Figure 2, the mean pose
    assert page.index("Table 2: metrics in 3D") < page.index("Table 7: errors")
    assert "32 validation people of 4 sequences, subjects S11, S9" in page
    assert "--angle-limits" not in page and "left out" not in page


def test_differences_in_3d_are_to_the_same_training_data(deep, deep_report):
    found, gains = (deep_report.results["3d"][key] for key in ("differences", "second_dataset"))
    assert [(one["run"], one["reference"]) for one in found] == [
        ("alone/bone", "alone/ief_star"), ("alone/all", "alone/ief_star"), ("mixed/all", "mixed/ief_star"),
    ]  # fmt: skip
    assert [(one["run"], one["reference"]) for one in gains] == [
        ("mixed/ief_star", "alone/ief_star"), ("mixed/all", "alone/all"),
    ]  # fmt: skip
    for one in (found[1], gains[1]):
        ours, other = (deep.poses[one[key]]["stage0"] for key in ("run", "reference"))
        wanted = to_tree(score_poses(ours, deep.people, minus=other), differences=True)["3d"]
        wanted = json.loads(json.dumps(wanted))
        assert one["joint_error"] == wanted["joint_error"] and one["bone_std"] == wanted["bone_std"]
        assert one["joint_error"]["interval"]["mm"][1] < 0


def test_the_scores_are_those_of_the_poses_in_millimeters(deep, deep_report):
    tables, depth = deep_report.results["tables"], deep.people.depth
    tree = deep_report.results["3d"]["runs"]["mixed/all"]["stage0"]
    gt, pred = (depth.to_camera(each) for each in (deep.people.coordinates, deep.poses["mixed/all"]["stage0"]))
    gt = np.where(np.isfinite(depth.z)[..., None], gt, np.nan)
    assert tree["joint_error"]["mm"] == pytest.approx(mpjpe(pred[depth.placed], gt[depth.placed]))
    assert tree["illegal_angle"]["percent"] is not None
    rows = [row for row in tables["table2"]["rows"] if row[0] in ("mixed/all", "mean pose")]
    assert [row[0] for row in rows].count("mean pose") == 2
    assert next(row for row in rows if row[0] == "mixed/all")[1]["value"] == tree["joint_error"]["mm"]
    assert tables["table6"]["head"][1:4] == ["alone/ief_star", "alone/all", "Δ alone/all"]
    assert tables["table4"]["head"][1:4] == ["mixed/ief_star", "mixed/all", "Δ mixed/all"]
    assert tables["table3-bone-error"]["head"][1] == "alone/ief_star"


def test_figure_1_in_3d_is_of_the_training_people(deep, deep_report, tmp_path):
    people = write_split(tmp_path / "train.npz", ("S1", "S5"), seed=1)
    joints = people.camera_joints
    kinds, found = average_kinds(pose_std(joints - joints[:, [6]])), deep_report.results["3d"]["figure1"]
    assert found["wrist"] == pytest.approx(kinds["wrist"])
    assert "pelvis" not in found and len(found) == 9 and "over 32 training people" in deep_report.page


def test_figure_2_is_of_the_sequence_whose_wrists_move_most(deep, deep_report):
    depth, figure = deep.people.depth, deep_report.results["3d"]["figure2"]
    gt = deep.people.camera_joints
    wrists, spread = (gt - gt[:, [6]])[:, [10, 15]], {}
    for name in np.unique(depth.sequence[depth.placed]):
        moves = wrists[depth.sequence == name]
        moves = moves[np.isfinite(moves).all(axis=(1, 2))]
        spread[name] = np.sqrt(moves.var(axis=0).sum(axis=-1)).mean()
    assert figure["sequence"] == max(spread, key=spread.get) and len(set(spread.values())) == 4
    assert figure["frames"] == list(range(0, 512, 64)) and list(figure["wrist"]) == ["alone/ief_star", "alone/all"]
    means = [np.mean([error for error in figure["wrist"][run]["joint_mm"] if error]) for run in figure["wrist"]]
    assert means[1] < means[0]


def test_a_single_run_in_3d_is_compared_with_its_mean_pose(deep, tmp_path, write_report):
    given = ("--annotations", deep.folder / "valid.npz")
    found = write_report(tmp_path, [deep.folder / "mixed/all"], *given)
    tables, deep_results = found.results["tables"], found.results["3d"]
    assert [(one["run"], one["reference"]) for one in deep_results["differences"]] == [("stage 0", "mean pose")]
    assert tables["table4"]["head"][1:4] == ["mean pose", "stage 0", "Δ stage 0"]
    assert "second-dataset" not in tables and deep_results["second_dataset"] == []
    for words in ("no training people with depth", "--angle-limits", "nobody is drawn"):
        assert words in found.page


def test_without_depth_the_scores_are_those_of_the_runs(deep, tmp_path, write_report):
    found = write_report(tmp_path, [deep.folder / "alone/ief_star", deep.folder / "alone/all"])
    score = load_metrics(deep.folder / "alone/all")["stage0"][3]["joint_error"].overall
    row = next(row for row in found.results["tables"]["table2"]["rows"] if row[0] == "all")
    assert row[1] == {"value": score.value, "interval": list(score.interval)}
    assert found.results["3d"]["differences"] == [] and found.results["3d"]["figure2"] == {}
    assert "Figure 2 are left out" in found.page and "No people with depth" in found.page


@pytest.mark.parametrize(("protocol", "own", "others"), [
    ("Protocol 1", {"table4"}, {"table5", "table6"}), ("Protocol 2", {"table5", "table6"}, {"table4"}),
    ("Protocol 2, but 1 of 5 frames", {"table5", "table6"}, {"table4"}), ("", {"table4", "table5", "table6"}, set()),
])  # fmt: skip
def test_scores_stand_beside_those_of_their_protocol(deep, tmp_path, write_report, protocol, own, others):
    depth = replace(deep.people.depth, protocol=protocol)
    save_people(tmp_path / "valid.npz", replace(deep.people, depth=depth))
    runs, given = [deep.folder / "alone/all", deep.folder / "mixed/all"], ("--annotations", tmp_path / "valid.npz")
    found = write_report(tmp_path / "out", runs, *given)
    results, page = found.results, found.page
    assert results["3d"]["protocol"] == protocol
    assert (f"{protocol} of Human3.6M" if protocol else "protocol is not known") in page
    ours = {"alone/all", "mixed/all"}
    for name in ("table4", "table5", "table6"):
        table = results["tables"][name]
        assert bool(ours & set(table["head"])) == (name in own) != (name in others)
        number = 1 if name == "table4" else 2  # what the paper says of each
        assert f"of Human3.6M, Protocol {number}," in (tmp_path / "out" / "tables" / f"{name}.md").read_text()
    assert "of Human3.6M, Protocol 2," in (tmp_path / "out" / "tables" / "table2.md").read_text()
    marked = "of Protocol 2, not Protocol 1"  # the only protocol that the paper's Tables 2 and 3 do not have
    captions = [caption for _, caption in results["tables"]["table2"]["sections"]]
    heads = results["tables"]["table3-joint-error"]["head"]
    for names, count in ((captions, 2), (heads, 2)):
        assert sum(marked in name for name in names) == (count if protocol == "Protocol 1" else 0)


def test_people_without_depth_leave_a_report_in_2d(deep, tmp_path, write_report):
    shutil.copytree(deep.folder / "alone/all", tmp_path / "run")
    trees = json.loads((tmp_path / "run" / "metrics.json").read_text())
    plain = {stage: {key: value for key, value in tree.items() if key != "3d"} for stage, tree in trees.items()}
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(plain))
    shutil.copy(deep.folder / "valid.npz", tmp_path / "flat.npz")
    found = write_report(tmp_path / "out", [tmp_path / "run"], "--annotations", tmp_path / "flat.npz")
    assert "3d" not in found.results and "Human3.6M" not in found.page


@pytest.fixture(scope="module")
def bad_runs(flat, tmp_path_factory):
    """Name -> path: what `flat` holds, and run folders with a fault each."""
    folder, bad = flat.folder, tmp_path_factory.mktemp("bad")
    for name in ("corrupt", "stage"):
        shutil.copytree(folder / "all", bad / name)
    (bad / "corrupt" / "stage0" / "log.csv").write_text("step,loss\n20,abc\n")
    (bad / "stage" / "stage0" / "stage.safetensors").write_bytes(b"corrupt")
    other = '{"stage0": {"convention": 1, "pckh": 2, "joint_error": 3}}'
    for name, text in (("empty", "{}"), ("half", '{"stage0": '), ("other", other)):
        (bad / name).mkdir()
        (bad / name / "metrics.json").write_text(text)
    save_people(bad / "others.npz", People([f"x{row}.jpg" for row in range(3)], np.zeros((3, 16, 2))))
    return {path.stem: path for path in (folder / "all", folder / "images", folder / "data", *bad.iterdir())}


@pytest.mark.parametrize(("change", "says"), [
    ("{all} --images {images}", "--images draws the validation people"),
    ("{all} {all}", "one or more different run folders"),
    ("a={all} a={others}", "of different names"),
    ("{others}", "add --annotations"),
    ("{others} --annotations {others}", "others.npz"),
    ("a=nowhere.h5", "no such run folder or file"),
    ("{all} --published cao", "no published row 'cao'"),
    ("{all} --data {images}", "holds no prepared.json"),
    ("{corrupt}", "log.csv: corrupt"),
    ("{empty}", "metrics.json: holds no scores"),
    ("{half}", "metrics.json: corrupt"), ("{other}", "metrics.json: corrupt"),
    ("{stage}", "stage.safetensors: corrupt"), ("{images}", "no metrics.json"),
    ("{all} --annotations {others}", "predictions-valid"),
    ("{all} --data {data} --images {data}", "no image"),
])  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(bad_runs, tmp_path, change, says):
    words = [word.format(**bad_runs) for word in change.split()]
    error = said_by("report", *words, "--out", tmp_path / "out")
    assert says in error and error.startswith("ief report: ") and error.count("\n") == 1 and "--split" not in error
    assert not (tmp_path / "out").exists()


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
      wide: [...page.querySelectorAll(".scroll")].filter(box => box.scrollWidth > box.clientWidth).map(
        box => box.textContent.slice(0, 80)),
      drawings: [...page.querySelectorAll('svg[role="img"][fill]')].filter(svg => svg.clientWidth > 200).length,
      ink: [...page.querySelectorAll("figure svg text")].every(
        text => getComputedStyle(text).fill === getComputedStyle(page.body).color),
      cards: [...page.querySelectorAll("thead")].filter(head => getComputedStyle(head).display === "none").length,
    }};
    const listed = () => [...page.querySelectorAll(".list figure")].map(one => [+one.dataset.row, one.textContent]);
    const choose = (key, value) => {{
      const select = page.querySelector(`select[data-choice=${{key}}]`);
      select.value = value;
      select.onchange();
      return listed();
    }};
    const looked = found[frame.width].looked = {{}};
    [...page.querySelectorAll("tbody th")].find(th => th.textContent.trim() === "l_wrist").click();
    looked.joint = listed();
    looked.pictures = page.querySelectorAll(".list svg image").length;
    choose("order", "more");
    looked.difference = choose("other", 0);
    looked.pairs = page.querySelectorAll(".list svg").length;
    looked.small = choose("size", 0);
    looked.hidden = choose("seen", 0);
    ["other", "size", "seen"].forEach(key => choose(key, ""));
    [...page.querySelectorAll("thead th")].find(th => th.textContent.trim() === "Jitter").click();
    looked.jitter = listed();
  }}
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(found);
}};
</script>"""


def test_a_browser_shows_the_page_at_two_widths(flat, flat_report, tmp_path):
    page = html.escape(flat_report.page, quote=True)
    frames = "\n".join(f'<iframe width="{width}" height="900" srcdoc="{page}"></iframe>' for width in (1280, 390))
    (tmp_path / "frames.html").write_text(FRAMES.format(frames=frames))
    found = read_page(tmp_path / "frames.html", tmp_path / "profile")
    drawings = len(list((flat_report.out / "figures").iterdir()))
    for width in ("1280", "390"):
        assert found[width]["images"] == flat_report.page.count("data:image/jpeg")
        assert found[width]["drawings"] == drawings and found[width]["wide"] == [] and found[width]["ink"]
        assert found[width]["broken"] == [] and found[width]["cut"] == [] and found[width]["overflow"] <= 0
        check_looked_up(found[width]["looked"], flat)
    assert found["390"]["cards"] > found["1280"]["cards"]  # on a phone the rows of wide tables are cards


def check_looked_up(looked, flat):
    """What a click on l_wrist lists, and what the choices leave of it, against the poses themselves."""
    people, joint = flat.people, MPII.index("l_wrist")
    errors = {
        name: np.linalg.norm(poses["stage1"] - people.joints, axis=-1)[:, joint] / people.head_size
        for name, poses in flat.poses.items()
    }
    worst = np.argsort(-errors["all"])[: min(24, np.isfinite(errors["all"]).sum())]
    assert [row for row, _ in looked["joint"]] == worst.tolist() and looked["pictures"] == len(worst)
    for row, caption in looked["joint"]:
        assert people.person_ids[row] in caption and abs(float(caption.split()[-1]) - errors["all"][row]) < 0.01
    change = errors["all"] - errors["ief_star"]
    assert [row for row, _ in looked["difference"]] == np.argsort(-change)[: len(worst)].tolist()
    assert looked["pairs"] == 2 * len(worst)
    small = set(np.flatnonzero(people.scale < np.quantile(people.scale, 0.25)).tolist())
    assert {row for row, _ in looked["small"]} == {row for row in small if np.isfinite(change[row])}
    assert looked["hidden"] == []  # nobody says who is hidden
    pose, jitter = flat.poses["all"]["stage1"], KINDS.index("jitter")
    jittering = np.flatnonzero(classify_errors(pose, ground_truth(people, pose))[:, joint] == jitter)
    expected = jittering[np.argsort(-errors["all"][jittering])][:24].tolist()
    assert [row for row, _ in looked["jitter"]] == expected != []

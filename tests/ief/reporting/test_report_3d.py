"""`ief report` on finished runs in 3D: Tables 2 to 6 with differences, Figures 1 to 3, what is said without depth."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from angle_model import write_angle_model
from runs_3d import write_run, write_split

from evaluation import Bootstrap, mpjpe
from evaluation.metrics.json_3d import difference_3d_to_json
from evaluation.metrics.pose_std import pose_std
from ief.cli import main
from ief.reporting.comparison_3d import Split3D, compare_rows, table_rows
from ief.reporting.finished_run import load_run
from ief.reporting.pictures_3d import drawn_people_3d, person_errors_3d
from ief.reporting.scoring_3d import difference_3d, load_metrics_3d, score_3d
from ief.reporting.sequence_3d import choose_sequence
from mpii_tools.depth.files import depth_path, save_depth
from mpii_tools.depth.table import make_depth
from mpii_tools.people_file import save_people

# Folder -> millimeters off, the method of Table 1, the second dataset.
RUNS = {"alone/ief_star": (70, "ief_star", None), "alone/bone": (60, "bone", None), "alone/all": (50, "all", None),
        "mixed/ief_star": (45, "ief_star", "wild"), "mixed/all": (30, "all", "wild")}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with people with and without depth, images, angle limits and five runs; their people and poses."""
    folder = tmp_path_factory.mktemp("report3d")
    write_split(folder / "train.npz", ("S1", "S5"), seed=1)
    people, depth = write_split(folder / "valid.npz", seed=2)
    (folder / "images").mkdir()
    for name in people.images:
        cv2.imwrite(str(folder / "images" / name), np.full((500, 500, 3), 90, np.uint8))
    write_angle_model(folder / "limits")
    poses = {
        name: write_run(folder / name, people, depth, noise, method, also, seed)
        for seed, (name, (noise, method, also)) in enumerate(RUNS.items())
    }
    return folder, people, depth, poses


def write(place, out, runs, *arguments):
    folder = place[0]
    runs = [str(folder / name) for name in runs]
    assert main(["report", *runs, *arguments, "--out", str(out)]) == 0
    return json.loads((out / "results.json").read_text()), (out / "index.html").read_text()


@pytest.fixture(scope="module")
def report(place, tmp_path_factory):
    """results.json and the page of all five runs with everything given; 30 resamples."""
    folder = place[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evaluation.report.page.to_svg", lambda figure: b"<svg></svg>")
        patch.setattr("evaluation.metrics.breakdown.DEFAULT_BOOTSTRAP", Bootstrap(resamples=20))
        return write(
            place, tmp_path_factory.mktemp("out"), RUNS, "--annotations", str(folder / "valid.npz"),
            "--training", str(folder / "train.npz"), "--images", str(folder / "images"),
            "--angle-limits", str(folder / "limits"),
        )  # fmt: skip


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("evaluation.report.page.to_svg", lambda figure: b"<svg></svg>")
    monkeypatch.setattr("evaluation.metrics.breakdown.DEFAULT_BOOTSTRAP", Bootstrap(resamples=20))


def test_every_table_and_figure_is_there(report):
    results, page = report
    tables = {"table2", "second-dataset", "table3-joint-error", "table3-pa-joint-error", "table3-bone-error",
              "table3-bone-std", "table3-illegal-angle", "table4", "table5", "table6", "figure1-3d"}  # fmt: skip
    assert tables <= set(results["tables"]) and {"table7", "table8"} <= set(results["tables"])
    assert page.count("data:image/jpeg") == 6 + 2 + 12  # Figure 3 with and without depth, and the 2D people
    assert page.index("Table 2: metrics in 3D") < page.index("Table 7: errors")
    assert "32 validation people of 4 sequences, subjects S11, S9" in page
    assert "Illegal Angle was not measured" not in page and "left out" not in page


def test_differences_are_to_the_baseline_with_the_same_training_data(place, report):
    results, _ = report
    _, people, depth, poses = place
    found = results["3d"]["differences"]
    assert [(one["run"], one["reference"]) for one in found] == [
        ("alone/bone", "alone/ief_star"), ("alone/all", "alone/ief_star"), ("mixed/all", "mixed/ief_star"),
    ]  # fmt: skip
    gains = results["3d"]["second_dataset"]
    assert [(one["run"], one["reference"]) for one in gains] == [
        ("mixed/ief_star", "alone/ief_star"), ("mixed/all", "alone/all"),
    ]  # fmt: skip
    for one in (found[1], gains[1]):
        ours, other = (poses[one[key]]["stage0"] for key in ("run", "reference"))
        wanted = json.loads(json.dumps(difference_3d_to_json(difference_3d(ours, other, people, depth))))
        assert one["joint_error"] == wanted["joint_error"] and one["bone_std"] == wanted["bone_std"]
        assert one["joint_error"]["interval"]["mm"][1] < 0


def test_the_scores_are_those_of_the_poses_in_millimeters(place, report):
    results, _ = report
    _, people, depth, poses = place
    tree = results["3d"]["runs"]["mixed/all"]["stage0"]
    known = np.isfinite(depth.z)
    gt, pred = (depth.to_camera(joints) for joints in (depth.beside(people.joints), poses["mixed/all"]["stage0"]))
    rows = depth.placed
    assert tree["joint_error"]["mm"] == pytest.approx(mpjpe(pred[rows], np.where(known[..., None], gt, np.nan)[rows]))
    assert tree["illegal_angle"]["percent"] is not None
    row = next(row for row in results["tables"]["table2"]["rows"] if row[0] == "mixed/all")
    assert row[1]["value"] == tree["joint_error"]["mm"]
    assert [row[0] for row in results["tables"]["table2"]["rows"]].count("mean pose") == 2
    assert results["tables"]["table6"]["head"][1:4] == ["alone/ief_star", "alone/all", "Δ alone/all"]
    assert results["tables"]["table4"]["head"][1:4] == ["mixed/ief_star", "mixed/all", "Δ mixed/all"]
    assert results["tables"]["table3-bone-error"]["head"][1] == "alone/ief_star"


def test_figure_1_is_of_the_training_people_in_millimeters(place, report):
    results, page = report
    people, depth = write_split(place[0] / "again" / "train.npz", ("S1", "S5"), seed=1)
    joints = depth.to_camera(depth.beside(people.joints))
    kinds = pose_std(joints - joints[:, [6]]).by_kind()
    assert results["3d"]["figure1"]["wrist"] == pytest.approx(dict(zip(("joint", "bone"), kinds["wrist"], strict=True)))
    assert "pelvis" not in results["3d"]["figure1"] and len(results["3d"]["figure1"]) == 9
    assert "Over 32 training people" in page


def test_figure_2_is_of_the_sequence_whose_wrists_move_most(place, report):
    results, _ = report
    _, people, depth, _ = place
    figure = results["3d"]["figure2"]
    gt = depth.to_camera(depth.beside(people.joints))
    wrists = (gt - gt[:, [6]])[:, [10, 15]]
    spread = {}
    for name in np.unique(depth.sequence[depth.placed]):
        moves = wrists[depth.sequence == name]
        moves = moves[np.isfinite(moves).all(axis=(1, 2))]
        spread[name] = np.sqrt(moves.var(axis=0).sum(axis=-1)).mean()
    assert figure["sequence"] == max(spread, key=spread.get) and len(set(spread.values())) == 4
    assert figure["frames"] == list(range(0, 512, 64))
    assert list(figure["wrist"]) == ["alone/ief_star", "alone/all"]
    means = [np.mean([error for error in figure["wrist"][run]["joint_mm"] if error]) for run in figure["wrist"]]
    assert means[1] < means[0]


def test_a_single_run_is_compared_with_its_mean_pose(place, tmp_path, quick):
    arguments = ["--annotations", str(place[0] / "valid.npz")]
    results, page = write(place, tmp_path, ["mixed/all"], *arguments)
    assert [(one["run"], one["reference"]) for one in results["3d"]["differences"]] == [("stage 0", "mean pose")]
    assert results["tables"]["table4"]["head"][1:4] == ["mean pose", "stage 0", "Δ stage 0"]
    assert "second-dataset" not in results["tables"] and results["3d"]["second_dataset"] == []
    assert "no training people with depth were given" in page and "Illegal Angle was not measured" in page
    assert "nobody is drawn" in page


def test_without_depth_the_scores_are_those_of_the_runs(place, tmp_path, quick):
    results, page = write(place, tmp_path, ["alone/ief_star", "alone/all"])
    stages = load_metrics_3d(place[0] / "alone/all")
    row = next(row for row in results["tables"]["table2"]["rows"] if row[0] == "all")
    assert row[1] == {"value": stages["stage0"].joint_error.overall.value,
                      "interval": list(stages["stage0"].joint_error.overall.interval)}  # fmt: skip
    assert results["3d"]["differences"] == [] and results["3d"]["figure2"] == {}
    assert "Differences and Figure 2 are left out" in page and "No people with depth and a camera" in page


@pytest.mark.parametrize(("protocol", "own", "others"), [
    ("Protocol 1", {"table4"}, {"table5", "table6"}), ("Protocol 2", {"table5", "table6"}, {"table4"}),
    ("Protocol 2, but 1 of 5 frames", {"table5", "table6"}, {"table4"}), ("", {"table4", "table5", "table6"}, set()),
])  # fmt: skip
def test_scores_stand_beside_those_of_their_protocol(place, tmp_path, quick, protocol, own, others):
    _, people, depth, _ = place
    save_people(tmp_path / "valid.npz", people)
    save_depth(tmp_path / "valid.npz", replace(depth, protocol=np.full(len(depth), protocol)))
    runs, arguments = ["alone/all", "mixed/all"], ["--annotations", str(tmp_path / "valid.npz")]
    results, page = write(place, tmp_path / "out", runs, *arguments)
    assert results["3d"]["protocol"] == protocol
    assert (f"{protocol} of Human3.6M" if protocol else "protocol is not known") in page
    ours = {"alone/all", "mixed/all"}
    for name in ("table4", "table5", "table6"):
        table = results["tables"][name]
        assert bool(ours & set(table["head"])) == (name in own) != (name in others)
        number = 1 if name == "table4" else 2  # what the paper says of each
        assert f"of Human3.6M, Protocol {number}," in (tmp_path / "out" / "tables" / f"{name}.md").read_text()
    assert "of Human3.6M, Protocol 2," in (tmp_path / "out" / "tables" / "table2.md").read_text()


def test_metrics_json_knows_the_protocol(place, tmp_path, quick):
    """Of runs whose validation people are not given."""
    run = tmp_path / "run"
    shutil.copytree(place[0] / "alone/all", run)
    trees = json.loads((run / "metrics.json").read_text())
    for tree in trees.values():
        tree["3d"]["protocol"] = "Protocol 1"
    (run / "metrics.json").write_text(json.dumps(trees))
    assert main(["report", str(run), "--out", str(tmp_path / "out")]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["3d"]["protocol"] == results["3d"]["runs"]["run"]["stage0"]["protocol"] == "Protocol 1"


def test_people_without_depth_leave_a_report_in_2d(place, tmp_path, quick):
    shutil.copytree(place[0] / "alone/all", tmp_path / "run")
    trees = json.loads((tmp_path / "run" / "metrics.json").read_text())
    plain = {stage: {key: value for key, value in tree.items() if key != "3d"} for stage, tree in trees.items()}
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(plain))
    shutil.copy(place[0] / "valid.npz", tmp_path / "flat.npz")
    arguments = ["report", str(tmp_path / "run"), "--annotations", str(tmp_path / "flat.npz")]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert "3d" not in json.loads((tmp_path / "out" / "results.json").read_text())
    assert "Human3.6M" not in (tmp_path / "out" / "index.html").read_text()


def test_a_depth_table_of_other_people_is_refused(place, tmp_path, capsys):
    shutil.copy(place[0] / "valid.npz", tmp_path / "valid.npz")
    shutil.copy(depth_path(place[0] / "train.npz"), depth_path(tmp_path / "valid.npz"))
    arguments = ["report", str(place[0] / "alone/all"), "--annotations", str(tmp_path / "valid.npz")]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "out").exists()


def test_without_a_baseline_the_first_run_is_one_and_without_predictions_there_is_no_difference(place):
    folder, people, depth, _ = place
    runs = [load_run(folder / name, name, people) for name in ("alone/bone", "mixed/all", "alone/all")]
    stages = {
        run.name: {stage: score_3d(poses, people, depth) for stage, poses in run.poses_3d.items()} for run in runs
    }
    rows = table_rows(runs, stages)
    assert [row.name for row in rows] == ["mean pose", "alone/bone", "mean pose", "mixed/all", "alone/all"]
    found = compare_rows(rows, Split3D(people, depth))
    assert [entry.reference for entry in found.entries] == ["", "", "", "", "alone/bone"]
    assert found.featured == {False: [1, 4], True: [3]}
    assert [(gain.name, gain.reference) for gain in found.gains] == [("mixed/all", "alone/all")]
    blind = compare_rows(rows, Split3D(people, None))
    assert not any(entry.difference for entry in blind.entries) and not blind.gains


def test_of_several_cameras_the_one_with_most_frames_is_taken(place):
    _, people, depth, poses = place
    camera = depth.camera.copy()
    camera[::2, 0] = 600.0
    frame = depth.frame - depth.frame % 128  # two people a frame, one of each camera
    frame = np.where(depth.action == "WalkingDog", frame + 1024, frame)
    frame[[1, 17]] = -1
    sequence = np.where(depth.sequence == "", "", np.char.add(depth.subject, " all"))  # two of eight are one of sixteen
    names = {"subject": depth.subject, "sequence": sequence}
    double = make_depth(people.person_ids, depth.z, camera=camera, root_depth=depth.root_depth, frame=frame, **names)
    found = choose_sequence(people, double, {"all": poses["mixed/all"]["stage0"]})
    assert found.frames.tolist() == [0, 128, 256, 384, 1024, 1152, 1280, 1408]
    rows = [row for row in range(32) if sequence[row] == found.title and camera[row, 0] == 600.0]
    assert len(rows) == 8
    np.testing.assert_array_equal(found.gt, double.to_camera(double.beside(people.joints))[rows])
    np.testing.assert_array_equal(found.poses["all"], double.to_camera(poses["mixed/all"]["stage0"])[rows])
    assert choose_sequence(people, make_depth(people.person_ids, depth.z), {}) is None


def test_figure_3_goes_from_the_best_to_the_worst_and_names_images_it_lacks(place):
    folder, people, depth, _ = place
    run = load_run(folder / "alone/all", "all", people)
    errors = person_errors_3d(run.poses_3d["stage0"], people, depth)
    assert np.isfinite(errors).sum() == 32

    def load_image(name):
        return np.full((500, 500, 3), 90, np.uint8)

    pictures = drawn_people_3d(run, people, depth, load_image, [])
    shown = [float(caption.split()[-2]) for caption, _ in pictures if "not known" not in caption]
    assert shown == sorted(shown) and len(shown) == 6 and len(pictures) == 8
    assert (shown[0], shown[-1]) == (round(np.nanmin(errors)), round(np.nanmax(errors)))
    assert all(picture.shape == (320, 641, 3) for _, picture in pictures)
    assert drawn_people_3d(run, None, None, load_image, []) == []

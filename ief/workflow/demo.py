"""The demo: the whole line on synthetic people, from drawing them to a report, in 2D or in 3D.

In 2D two stages learn MPII-like people, and the test people's poses become MPII's submission. In 3D one stage learns
people in a studio, who are labeled in 3D but few, as those of motion capture are, and people elsewhere, who look
different and have 2D labels alone (Section 4 of the paper). As those are drawn, their depth is known: it is scored,
never trained on.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np

from checkpoints import PoseError, log, write_bytes, write_text
from evaluation.metrics import scores_to_json
from evaluation.report.skeletons import grid, to_jpeg
from evaluation.report.tables import summary_table
from ief.inference.predictor import PosePredictor
from ief.model.run_folder import load_cascade
from ief.reporting.method import method_picture
from ief.reporting.people import draw_people, spread_rows
from ief.reporting.report import write_report
from ief.reporting.scoring import load_predictions, name_stages, person_errors, save_poses, score_poses
from ief.training.options import Preset, RunConfig, change_config
from ief.training.plan import epochs_for_budget
from ief.training.runtime import open_runtime
from ief.training.stage_config import StageConfig, load_training_data
from ief.workflow.training import train
from mpii_tools.annotations.people_file import load_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.images.decode import image_loader
from mpii_tools.images.sources import open_images
from mpii_tools.people import find_rows
from mpii_tools.prepared.read import PreparedSplit, load_prepared
from mpii_tools.prepared.write import CropSpec, prepare
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import read_predictions
from mpii_tools.results.submission import read_submission, write_submission
from mpii_tools.synthetic.dataset import SyntheticData, write_synthetic

LEAST = 1.0  # epochs that are trained however slow the machine is
REPORTING = 4.0  # time of report, pictures and submission / time of preparing the crops
SHOWN = 8  # people in the picture
say = log.info
Drawn = dict[str, SyntheticData]  # by name; a second dataset is trained on beside the first


def draw_upright(out: Path, images: int, seed: int) -> Drawn:
    """MPII-like people; any pose would take longer to learn."""
    return {"synthetic": write_synthetic(out / "data", images, images // 3, images // 30, seed, upright=True)}


def draw_studio(out: Path, images: int, seed: int) -> Drawn:
    """Seven subjects in a studio with depth, and half as many people elsewhere, who are never labeled in it."""
    return {
        "studio": write_synthetic(out / "studio", images, images // 3, seed=seed, kind="studio"),
        "elsewhere": write_synthetic(out / "elsewhere", images // 2, images // 6, seed=seed, kind="wild"),
    }


def show_upright(out: Path, drawn: Drawn, valid: Sequence[PreparedSplit], predictor: PosePredictor) -> dict[str, Path]:
    """The method on whom stage 1 helps most, and MPII's file.

    The file holds the test people's poses; it is read back
    and scored against the ground truth.

    Args:
        out: the demo's folder.
        valid: the validation people of each dataset.

    Returns:
        what was written, by what it is.
    """
    run, source, people = out / "run", drawn["synthetic"], valid[0].people
    poses = {stage: each.joints for stage, each in load_predictions(run, people).items()}
    errors = person_errors(poses["stage1"], people)
    gain = np.where(people.annotated.all(axis=1), person_errors(poses["stage0"], people) - errors, np.nan)
    write_bytes(out / "report" / "method.jpg", method_picture(load_cascade(run), valid[0], int(np.nanargmax(gain))))
    test, submission = load_prepared(out / "prepared", "test"), out / "pred_keypoints_mpii.mat"
    predictions = save_poses(run, test, *predictor.predict_split(test)[:2])
    write_submission(source.annotations, read_predictions(predictions), submission)
    gt = load_people(source.truth)
    scores = score_poses(align(read_submission(submission), gt).joints, gt)[2]
    say(f"submission read back: PCKh@0.5 {scores.mean_pckh.value:.1f} on {len(gt)} test people")
    return {"submission": submission}


def show_elsewhere(
    out: Path, drawn: Drawn, valid: Sequence[PreparedSplit], predictor: PosePredictor
) -> dict[str, Path]:
    """Scores of the people elsewhere, also in `elsewhere.json`, by the depth that training does not see, and views.

    From the front and the side, from the best to the worst, with the ground truth thin beneath. Arguments and what it
    returns: see `show_upright`.
    """
    others, source = valid[1], drawn["elsewhere"]
    say(f"and {len(others):,} people elsewhere, of whose kind nobody was labeled in depth")
    truth, people = load_people(source.truth), others.people
    people = replace(people, depth=truth.depth.select(find_rows("depth", truth.person_ids, people.person_ids)))
    poses, joint_scores, _ = predictor.predict_split(others)
    save_poses(out / "elsewhere-predictions", others, poses, joint_scores)
    scores = {name: score_poses(pose, people, intervals=True)[3] for name, pose in name_stages(poses).items()}
    say(summary_table(scores).text())
    metrics = {name: scores_to_json(each) for name, each in scores.items()}
    write_text(out / "elsewhere.json", json.dumps(metrics, indent=1))
    rows = spread_rows(person_errors(poses[-1], people, 3), SHOWN)
    pictures = draw_people(people, poses[-1], image_loader(open_images(source.images)), rows)
    sheet = to_jpeg(grid([picture for _, picture in pictures], 2))
    return {"pictures": write_bytes(out / "report" / "never-labeled-in-depth.jpg", sheet)}


def demo(
    out: str | Path,
    dimensions: int = 2,
    *,
    images: int = 1200,
    minutes: float = 5.0,
    epochs: float | None = None,
    seed: int = 0,
    device: str | None = None,
) -> Path:
    """Draw people, prepare, train, predict, evaluate and report; an unfinished demo resumes.

    Args:
        out: folder to write; the run is in `run`.
        dimensions: 2 for both stages on MPII-like people, 3 for one stage on people with and without depth.
        images: training images, 30 or more, and a third as many to validate; in 3D half as many again without depth.
        minutes: time for all of it: as many epochs are trained as fit.
        epochs: times a stage sees each person; None for as many as fit the minutes.
        seed: of the people and of training.
        device: where to train and predict; None for a GPU if there is one.

    Returns:
        the report's page.

    Raises:
        PoseError: too few images, a folder of another demo, or a disk that refuses.
    """
    started, out = monotonic(), Path(out)
    draw, show = {2: (draw_upright, show_upright), 3: (draw_studio, show_elsewhere)}[dimensions]
    if images < 30:
        raise PoseError(f"--images {images}: the demo needs at least 30")
    given = {"stages": 1, "origin_share": 0.0} if dimensions == 3 else {}  # the preset's share was chosen in 2D
    given |= {} if epochs is None else {"epochs": epochs}
    config = change_config(RunConfig(), preset="demo", weights="none", seed=seed, **given)
    title = f"Synthetic people in {dimensions}D, stages of {config.options.backbone} at {config.options.size} px"
    say(f"{title}\n1. drawing people")
    drawn = draw(out, images, seed)
    say("2. preparing crops")
    preparing = monotonic()
    folders = [str(out / ("prepared" if len(drawn) == 1 else f"prepared-{name}")) for name in drawn]
    for folder, (name, source) in zip(folders, drawn.items(), strict=True):
        prepare_drawn(source, Path(folder), name, config.options)
    reporting = REPORTING * (monotonic() - preparing)
    valid = [load_prepared(folder, "valid") for folder in folders]
    say("3. training")
    config = replace(config, data=folders[0], also=folders[1] if len(folders) > 1 else None)
    if epochs is None:
        with open_runtime(device) as runtime:
            stage = StageConfig(config, load_training_data(config), out / "run")
            end, path = started + 60 * minutes - reporting, out / "run" / "budget.json"
            fit = epochs_for_budget(minutes, [stage], runtime, path, end=end, least=LEAST)
        config = change_config(config, epochs=fit)
        say(f"{fit:g} epochs of each stage")
    train(out / "run", config, device=device)
    people, training = valid[0].people, load_prepared(folders[0], "train").people
    say(f"4. comparing {len(people):,} people")
    shown = show(out, drawn, valid, PosePredictor.load(out / "run", device))
    say("5. report")
    depth = "" if dimensions == 2 else " with depth, half as many without it"
    lead = f"{len(training):,} to train on{depth}, {len(people):,} to validate. None is of MPII or Human3.6M."
    load_image = image_loader(open_images(next(iter(drawn.values())).images))
    given = {"people": people, "training": training, "load_image": load_image}
    page = write_report([out / "run"], out / "report", title, lead, **given)
    for name, path in {"report": page, **shown}.items():
        say(f"{name} {path}")
    say(f"{(monotonic() - started) / 60:.1f} minutes")
    return page


def prepare_drawn(drawn: SyntheticData, folder: Path, name: str, options: Preset) -> None:
    """Write the crops of drawn people, with their depths if they have them, at the options' size and margin.

    Args:
        folder: to write. name: of the prepared dataset.

    Raises:
        PoseError: as `prepare` does.
    """
    people = read_annotations(drawn.annotations).people
    prepare(people, open_images(drawn.images), folder, name, CropSpec(options.size, options.margin))

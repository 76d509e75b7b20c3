"""The demo: the whole line on synthetic people, from drawing them to a report, in 2D or in 3D.

In 2D two stages learn MPII-like people, and the test people's poses become MPII's submission. In 3D one stage learns
people in a studio, who are labeled in 3D but few, as those of motion capture are, and people elsewhere, who look
different and have 2D labels alone (Section 4 of the paper). As those are drawn, their depth is known: it is scored,
never trained on.
"""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ClassVar

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_bytes, write_text
from evaluation.metrics.json_format import scores_to_json
from evaluation.report.skeletons import grid, to_jpeg
from evaluation.report.tables import summary_table
from ief.inference.predictor import PosePredictor
from ief.model.run_folder import load_cascade
from ief.reporting.method import method_picture
from ief.reporting.pictures import draw_people, spread_rows
from ief.reporting.report import write_report
from ief.reporting.scoring import (
    load_poses,
    person_errors,
    print_gains,
    print_summary,
    save_poses,
    score,
    score_poses,
    score_run,
    stage_names,
)
from ief.training.budget import epochs_left, read_epochs, seconds_per_step
from ief.training.options import Preset, RunConfig, change_config
from ief.training.runtime import Runtime, open_runtime
from ief.training.stage_config import StageConfig, load_training_data
from ief.training.trainer import train_stage
from mpii_tools.annotations.people_file import load_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.images.decode import image_loader
from mpii_tools.images.sources import open_images
from mpii_tools.people import People, find_rows
from mpii_tools.prepared.read import PreparedSplit, load_prepared
from mpii_tools.prepared.write import CropSpec, prepare
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import read_predictions
from mpii_tools.results.submission import read_submission, write_submission
from mpii_tools.synthetic.dataset import SyntheticData, write_synthetic

LEAST = 1.0  # epochs that are trained however slow the machine is
REPORTING = 4.0  # time of report, pictures and submission / time of preparing the crops
SHOWN, SHOWN_3D = 12, 8  # people in the pictures
say = partial(print, flush=True)  # what is printed is seen at once in a log file too


class Demo:
    """What is drawn, scored and shown in 2D; `Demo3D` says what differs there.

    Args:
        out: the demo's folder; the run is in `run`.

    Attributes:
        drawn: name -> dataset; a second one is trained on beside the first.
        valid: the validation people of each.
    """

    options: ClassVar[dict[str, object]] = {}  # changes to the preset `demo`
    intro = "Synthetic upright people, {} at {} px: two cores learn them in a few minutes."
    drawing = "drawing people and writing them as an MPII dataset"
    title = "Two stages on synthetic people"
    lead = "Synthetic people: {:,} to train on, {:,} to validate. None of it is MPII."
    prepared = "prepared"  # the folder of crops of a dataset, by its name

    def __init__(self, out: Path) -> None:
        self.out, self.run = out, out / "run"
        self.drawn: dict[str, SyntheticData] = {}
        self.valid: list[PreparedSplit] = []

    def draw(self, images: int, seed: int) -> None:
        """MPII-like people; any pose would take longer to learn."""
        data = write_synthetic(self.out / "data", images, images // 3, images // 30, seed, upright=True)
        self.drawn = {"synthetic": data}

    def score_more(self, predictor: PosePredictor) -> None:
        """Print what each stage gains over the previous one."""
        print_gains(self.run, self.valid[0].people)

    def show_more(self, predictor: PosePredictor) -> dict[str, Path]:
        """Twelve people from the best to the worst predicted, the method on whom stage 1 helps most, and MPII's file.

        The file holds the test people's poses; it is read back and scored against the ground truth.

        Returns:
            what was written, by what it is.
        """
        people, (source,) = self.valid[0].people, self.drawn.values()
        stages, report = load_poses(self.run, people), self.out / "report"
        errors = person_errors(stages["stage1"], people)
        gain = person_errors(stages["stage0"], people) - errors
        gain[~people.annotated.all(axis=1)] = np.nan
        picture = method_picture(load_cascade(self.run), self.valid[0], int(np.nanargmax(gain)))
        write_bytes(report / "method.jpg", picture)
        load_image, rows = image_loader(open_images(source.images)), spread_rows(errors, SHOWN)
        drawn = [picture for _, picture in draw_people(people, stages["stage1"], load_image, rows)]
        pictures = write_bytes(report / "people.jpg", to_jpeg(grid(drawn, 4)))

        test, submission = load_prepared(self.out / self.prepared, "test"), self.out / "pred_keypoints_mpii.mat"
        predictions = save_poses(self.run, test, *predictor.predict_split(test)[:2])
        write_submission(source.annotations, read_predictions(predictions), submission)
        gt = load_people(source.truth)
        result = score(align(read_submission(submission), gt).joints, gt)
        say(f"submission read back: PCKh@0.5 {result.mean_pckh.value:.1f} on {len(gt)} test people")
        return {"pictures": pictures, "submission": submission}


class Demo3D(Demo):
    """Seven subjects in a studio with depth, and half as many people elsewhere, who are never labeled in it."""

    options: ClassVar = {"stages": 1, "origin_share": 0.0}  # the preset's share was chosen in 2D
    intro = "Synthetic people in 3D, one stage of {} at {} px; half of each batch has no depth."
    drawing = "drawing seven subjects in a studio, and people elsewhere who are never labeled in depth"
    title = "One stage on synthetic people in 3D"
    lead = (
        "Synthetic people: {:,} with depth to train on and half as many without, {:,} to validate. None of it is "
        "Human3.6M."
    )
    prepared = "prepared-{}"

    def draw(self, images: int, seed: int) -> None:
        """Both datasets."""
        self.drawn = {
            "studio": write_synthetic(self.out / "studio", images, images // 3, seed=seed, kind="studio"),
            "elsewhere": write_synthetic(self.out / "elsewhere", images // 2, images // 6, seed=seed, kind="wild"),
        }

    def load_hidden_truth(self) -> People:
        """The people elsewhere with their depth, which training does not see."""
        truth, people = load_people(self.drawn["elsewhere"].truth), self.valid[1].people
        return replace(people, depth=truth.depth.select(find_rows("depth", truth.person_ids, people.person_ids)))

    def score_more(self, predictor: PosePredictor) -> None:
        """Predict people elsewhere, print and write their scores to `elsewhere.json`."""
        others = self.valid[1]
        say(f"and {len(others):,} people elsewhere, of whose kind nobody was labeled in depth")
        poses, joint_scores, _ = predictor.predict_split(others)
        save_poses(self.out / "elsewhere-predictions", others, poses, joint_scores)
        people, names = self.load_hidden_truth(), stage_names(len(poses))
        scores = {name: score_poses(pose, people, intervals=True)[3] for name, pose in zip(names, poses, strict=True)}
        print(summary_table(scores).text())
        metrics = {name: scores_to_json(each) for name, each in scores.items()}
        write_text(self.out / "elsewhere.json", json.dumps(metrics, indent=1))

    def show_more(self, predictor: PosePredictor) -> dict[str, Path]:
        """Front and side views of people elsewhere, best to worst, with the ground truth thin beneath."""
        people, load_image = self.load_hidden_truth(), image_loader(open_images(self.drawn["elsewhere"].images))
        poses = read_predictions(self.out / "elsewhere-predictions" / "predictions-valid.npz").joints
        rows = spread_rows(person_errors(poses, people, 3), SHOWN_3D)
        pictures = [picture for _, picture in draw_people(people, poses, load_image, rows)]
        path = self.out / "report" / "never-labeled-in-depth.jpg"
        return {"pictures": write_bytes(path, to_jpeg(grid(pictures, 2)))}


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
        out: folder to write.
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
    started, kind = monotonic(), {2: Demo, 3: Demo3D}[dimensions](Path(out))
    if images < 30:
        raise PoseError(f"--images {images}: the demo needs at least 30")
    given = {} if epochs is None else {"epochs": epochs}
    config = change_config(RunConfig(), preset="demo", weights="none", seed=seed, **kind.options, **given)
    say(kind.intro.format(config.options.backbone, config.options.size))
    say(f"1. {kind.drawing}")
    kind.draw(images, seed)
    say("2. preparing crops")
    preparing = monotonic()
    folders = [
        str(prepare_drawn(source, kind.out / kind.prepared.format(name), name, config.options))
        for name, source in kind.drawn.items()
    ]
    reporting = REPORTING * (monotonic() - preparing)
    kind.valid = [load_prepared(folder, "valid") for folder in folders]
    say("3. training")
    config = replace(config, data=folders[0], also=folders[1] if len(folders) > 1 else None)
    with open_runtime(device) as runtime:
        stage = StageConfig(config, load_training_data(config), kind.run)
        if epochs is None:
            end = started + 60 * minutes - reporting
            stage = fit_epochs(stage, runtime, minutes, end, sum(map(len, kind.valid)))
        for index in range(config.stages):
            train_stage(replace(stage, index=index), runtime)
    people, training = kind.valid[0].people, stage.data.train.people
    say(f"4. predicting and evaluating {len(people):,} people")
    print_summary(score_run(kind.run, kind.valid[0], runtime.device))
    predictor = PosePredictor.of(load_cascade(kind.run).to(runtime.device))
    kind.score_more(predictor)
    say("5. report and pictures")
    load_image = image_loader(open_images(next(iter(kind.drawn.values())).images))
    shown = {"people": people, "training": training, "load_image": load_image}
    lead = kind.lead.format(len(training), len(people))
    page = write_report([kind.run], kind.out / "report", kind.title, lead, **shown)
    for name, path in {"report": page, **kind.show_more(predictor)}.items():
        say(f"{name} {path}")
    say(f"{(monotonic() - started) / 60:.1f} minutes")
    return page


def prepare_drawn(drawn: SyntheticData, folder: Path, name: str, options: Preset) -> Path:
    """Write the crops of drawn people, with their depths if they have them, at the options' size and margin.

    Args:
        folder: to write, and to return. name: of the prepared dataset.

    Raises:
        PoseError: as `prepare` does.
    """
    people = read_annotations(drawn.annotations).people
    prepare(people, open_images(drawn.images), folder, name, CropSpec(options.size, options.margin))
    return folder


def fit_epochs(stage: StageConfig, runtime: Runtime, minutes: float, end: float, predicted: int) -> StageConfig:
    """The training with as many epochs as fit the demo's minutes; a resumed demo continues with those it began with.

    Args:
        stage: stage 0, with the most epochs that are trained.
        minutes: that the whole demo is given.
        end: when training and predicting have to be done, on the clock of `time.monotonic`.
        predicted: people to predict afterwards.
    """
    path = stage.run_folder / "budget.json"
    epochs = read_epochs(minutes, path)
    if not epochs:
        steps = seconds_per_step(stage, runtime)
        fit = epochs_left(end - monotonic(), steps, stage, predicted)
        epochs = min(max(int(10 * fit) / 10, LEAST), stage.options.epochs)
        write_text(path, json.dumps({"minutes": minutes, "seconds_per_step": steps, "epochs": epochs}, indent=1))
        if fit < LEAST:
            say(f"{minutes:g} minutes are too few on this machine; the least is trained all the same")
    say(f"{epochs:g} epochs of each stage")
    return replace(stage, run=change_config(stage.run, epochs=epochs))

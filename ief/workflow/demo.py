"""The demo: the whole line on synthetic people, from drawing them to a report, in 2D or in 3D.

In 2D two stages learn MPII-like people, and the test people's poses become MPII's submission. In 3D one stage learns
people in a studio, who are labeled in 3D but few, as those of motion capture are, and people elsewhere, who look
different and have 2D labels alone (Section 4 of the paper). As those are drawn, their depth is known: it is scored,
never trained on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic

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
from ief.training.options import RunConfig, change_config
from ief.training.runtime import Runtime, open_runtime
from ief.training.stage_config import StageConfig, load_training_data
from ief.training.trainer import train_stage
from ief.workflow.draw import prepare_drawn
from mpii_tools.annotations.people_file import load_people
from mpii_tools.images.decode import LoadImage, image_loader
from mpii_tools.images.sources import open_images
from mpii_tools.people import People, find_rows
from mpii_tools.prepared.read import PreparedSplit, load_prepared
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import read_predictions
from mpii_tools.results.submission import read_submission, write_submission
from mpii_tools.synthetic.dataset import SyntheticData, write_synthetic

LEAST = 1.0  # epochs that are trained however slow the machine is
REPORTING = 4.0  # time of report, pictures and submission / time of preparing the crops
SHOWN, SHOWN_3D = 12, 8  # people in the pictures
say = partial(print, flush=True)  # what is printed is seen at once in a log file too


@dataclass(frozen=True)
class Trained:
    """A demo after its training, for what it shows at the end.

    Attributes:
        out: the demo's folder; the run is in `run`.
        sources: what was drawn. valid: the validation people of each.
        training: the training people of the first.
        load_image: an image of the first by name.
        device: as `PosePredictor` takes it.
    """

    out: Path
    sources: Sequence[SyntheticData]
    valid: Sequence[PreparedSplit]
    training: PreparedSplit
    load_image: LoadImage
    device: object

    @property
    def run(self) -> Path:
        """The run folder."""
        return self.out / "run"


@dataclass(frozen=True)
class Kind:
    """What differs between the demos of two and of three dimensions.

    Attributes:
        options: changes to the preset `demo`.
        intro, drawing: lines to say at the start, and before people are drawn.
        draw: folder, images and seed -> name -> dataset; a second one is trained on beside the first.
        prepared: name of the folder of crops of a dataset.
        score_more, show_more: what is scored and shown besides; return paths to name at the end, after what they are.
        title, lead: of the report; the lead with the numbers of people to train on and to validate.
    """

    options: dict[str, object]
    intro: str
    drawing: str
    draw: Callable[[Path, int, int], dict[str, SyntheticData]]
    prepared: str
    score_more: Callable[[Trained], object]
    show_more: Callable[[Trained, object], dict[str, Path]]
    title: str
    lead: str


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
    started, out, kind = monotonic(), Path(out), KINDS[dimensions]
    if images < 30:
        raise PoseError(f"--images {images}: the demo needs at least 30")
    given = {} if epochs is None else {"epochs": epochs}
    config = change_config(RunConfig(), preset="demo", weights="none", seed=seed, **kind.options, **given)
    say(kind.intro.format(backbone=config.options.backbone, size=config.options.size))
    say(f"1. {kind.drawing}")
    drawn = kind.draw(out, images, seed)
    say("2. preparing crops")
    preparing = monotonic()
    folders = [
        str(prepare_drawn(source, out / kind.prepared.format(name), name, config.options))
        for name, source in drawn.items()
    ]
    reporting = REPORTING * (monotonic() - preparing)
    valid = [load_prepared(folder, "valid") for folder in folders]
    say("3. training")
    config = replace(config, data=folders[0], also=folders[1] if len(folders) > 1 else None)
    with open_runtime(device) as runtime:
        stage = StageConfig(config, load_training_data(config), out / "run")
        if epochs is None:
            end = started + 60 * minutes - reporting
            stage = fit_epochs(stage, runtime, minutes, end, sum(map(len, valid)))
        for index in range(config.stages):
            train_stage(replace(stage, index=index), runtime)
    sources = list(drawn.values())
    load_image = image_loader(open_images(sources[0].images))
    trained = Trained(out, sources, valid, stage.data.train, load_image, runtime.device)
    say(f"4. predicting and evaluating {len(valid[0]):,} people")
    print_summary(score_run(trained.run, valid[0], runtime.device))
    more = kind.score_more(trained)
    say("5. report and pictures")
    page = write_report(
        [trained.run],
        out / "report",
        kind.title,
        kind.lead.format(len(trained.training), len(valid[0])),
        people=valid[0].people,
        training=trained.training.people,
        load_image=load_image,
    )
    for name, path in {"report": page, **kind.show_more(trained, more)}.items():
        say(f"{name} {path}")
    say(f"{(monotonic() - started) / 60:.1f} minutes")
    return page


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


def score_gains(trained: Trained) -> None:
    """Print what each stage gains over the previous one."""
    print_gains(trained.run, trained.valid[0].people)


def show_method_and_submission(trained: Trained, _: object) -> dict[str, Path]:
    """Twelve people from the best to the worst predicted, the method on whom stage 1 helps most, and MPII's file.

    The file holds the test people's poses; it is read back and scored against the ground truth.
    """
    out, valid = trained.out, trained.valid[0]
    people, stages = valid.people, load_poses(trained.run, valid.people)
    errors = person_errors(stages["stage1"], people)
    gain = person_errors(stages["stage0"], people) - errors
    gain[~people.annotated.all(axis=1)] = np.nan
    picture = method_picture(load_cascade(trained.run), valid, int(np.nanargmax(gain)))
    write_bytes(out / "report" / "method.jpg", picture)
    drawn = draw_people(people, stages["stage1"], trained.load_image, spread_rows(errors, SHOWN))
    pictures = write_bytes(out / "report" / "people.jpg", to_jpeg(grid([picture for _, picture in drawn], 4)))

    test, source = load_prepared(out / KINDS[2].prepared, "test"), trained.sources[0]
    predictor = PosePredictor.of(load_cascade(trained.run).to(trained.device))
    predictions = save_poses(trained.run, test, *predictor.predict_split(test))
    submission = out / "pred_keypoints_mpii.mat"
    write_submission(source.annotations, read_predictions(predictions), submission)
    gt = load_people(source.truth)
    result = score(align(read_submission(submission), gt).joints, gt)
    say(f"submission read back: PCKh@0.5 {result.mean_pckh.value:.1f} on {len(gt)} test people")
    return {"pictures": pictures, "submission": submission}


def score_never_labeled(trained: Trained) -> np.ndarray:
    """Predict people elsewhere, print and write their scores to `elsewhere.json`; the last poses (N, K, 3)."""
    others = trained.valid[1]
    say(f"and {len(others):,} people elsewhere, of whose kind nobody was labeled in depth")
    poses, joint_scores = PosePredictor.of(load_cascade(trained.run).to(trained.device)).predict_split(others)
    save_poses(trained.out / "elsewhere-predictions", others, poses, joint_scores)
    people = load_hidden_truth(trained)
    scores = {
        name: score_poses(pose, people, intervals=True)[3]
        for name, pose in zip(stage_names(len(poses)), poses, strict=True)
    }
    print(summary_table(scores).text())
    metrics = {name: scores_to_json(each) for name, each in scores.items()}
    write_text(trained.out / "elsewhere.json", json.dumps(metrics, indent=1))
    return poses[-1]


def load_hidden_truth(trained: Trained) -> People:
    """The people elsewhere with their depth, which training does not see."""
    truth, people = load_people(trained.sources[1].truth), trained.valid[1].people
    return replace(people, depth=truth.depth.select(find_rows("depth", truth.person_ids, people.person_ids)))


def show_never_labeled(trained: Trained, poses: np.ndarray) -> dict[str, Path]:
    """Front and side views of people from the best to the worst predicted, with the ground truth thin beneath."""
    people = load_hidden_truth(trained)
    load_image = image_loader(open_images(trained.sources[1].images))
    rows = spread_rows(person_errors(poses, people, 3), SHOWN_3D)
    pictures = [picture for _, picture in draw_people(people, poses, load_image, rows)]
    path = trained.out / "report" / "never-labeled-in-depth.jpg"
    return {"pictures": write_bytes(path, to_jpeg(grid(pictures, 2)))}


def draw_studio_and_wild(out: Path, images: int, seed: int) -> dict[str, SyntheticData]:
    """Seven subjects in a studio with depth, and half as many people elsewhere, who are never labeled in it."""
    return {
        "studio": write_synthetic(out / "studio", images, images // 3, seed=seed, kind="studio"),
        "elsewhere": write_synthetic(out / "elsewhere", images // 2, images // 6, seed=seed, kind="wild"),
    }


def draw_upright(out: Path, images: int, seed: int) -> dict[str, SyntheticData]:
    """MPII-like people; any pose would take longer to learn."""
    return {"synthetic": write_synthetic(out / "data", images, images // 3, images // 30, seed, upright=True)}


KINDS = {
    2: Kind(
        options={},
        intro="Synthetic upright people, {backbone} at {size} px: two cores learn them in a few minutes.",
        drawing="drawing people and writing them as an MPII dataset",
        draw=draw_upright,
        prepared="prepared",
        score_more=score_gains,
        show_more=show_method_and_submission,
        title="Two stages on synthetic people",
        lead="Synthetic people: {:,} to train on, {:,} to validate. None of it is MPII.",
    ),
    3: Kind(
        options={"stages": 1, "origin_share": 0.0},  # the preset's share was chosen in 2D
        intro="Synthetic people in 3D, one stage of {backbone} at {size} px; half of each batch has no depth.",
        drawing="drawing seven subjects in a studio, and people elsewhere who are never labeled in depth",
        draw=draw_studio_and_wild,
        prepared="prepared-{}",
        score_more=score_never_labeled,
        show_more=show_never_labeled,
        title="One stage on synthetic people in 3D",
        lead="Synthetic people: {:,} with depth to train on and half as many without, {:,} to validate. None of it is "
        "Human3.6M.",
    ),
}

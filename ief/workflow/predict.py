"""Prediction of a prepared split, or of images and videos, into files: poses, and pictures of them."""

from collections.abc import Sequence
from pathlib import Path

from checkpoints import PoseError, Stopping, checksum, log, write_bytes
from checkpoints.locking import lock_folder
from checkpoints.weights import find_run
from evaluation.report.skeletons import to_jpeg
from ief.inference.box_files import read_boxes, read_starts
from ief.inference.inputs import find_inputs, name_videos, place_person, whole_images
from ief.inference.outputs import JOURNAL, Journal, predict_images, write_results
from ief.inference.poses import ImageCamera
from ief.inference.predictor import PosePredictor
from ief.inference.stream import ImagePeople
from ief.inference.video import predict_stream, predict_video
from ief.reporting.scoring import save_poses
from mpii_tools.images.decode import image_loader
from mpii_tools.images.sources import open_images
from mpii_tools.prepared.read import load_prepared, read_description
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import name_poses, read_predictions
from mpii_tools.skeletons import mirror_note


def predict_inputs(
    inputs: Sequence[Path | str],
    out: Path,
    weights: Path | None = None,
    *,
    boxes: Path | None = None,
    detect: bool = False,
    detector_weights: Path | None = None,
    refine: bool = False,
    start: Path | None = None,
    times: int = 1,
    limit: float | None = None,
    min_score: float | None = None,
    center: Sequence[float] | None = None,
    scale: float | None = None,
    camera: ImageCamera | None = None,
    smooth: bool = False,
    draw: int | None = None,
    ellipses: bool = False,
    flip: bool = False,
    min_joint_score: float | None = None,
    batch_size: int = 32,
    device: str | None = None,
) -> tuple[list[Path], list[str]]:
    """The poses of images and videos as .npz, COCO results and CSV, with an overlay or an annotated video each.

    The same call continues after it was stopped, by a kill too (`Journal`): no image and no frame is predicted twice.

    Args:
        inputs: images, folders of them, or videos; or one stream's address as text (`predict_stream`).
        out: folder to write.
        weights: a run folder or an .onnx; None for the released weights.
        boxes: a file of the images' people (`read_boxes`), which names the images if there are no `inputs`.
        detect: find the people by a detector.
        detector_weights: what `load_detector` takes; None for torchvision's cache, or its download.
        refine: predict images once more, in the box of each pose.
        start: a file of poses that `ief evaluate` reads, which the last stage corrects; instead of `boxes`.
        times: how often it does.
        limit: of `PosePredictor.load`.
        min_score: pass over boxes with a lower score; None for 0, or 0.5 of the detector.
        center, scale: MPII's, of the one person; None for one who fills the image.
        camera: of poses in 3D, which adds them in its coordinates.
        smooth: steady the poses of videos by the One-Euro filter.
        draw: how many images to draw, the first ones; None for all.
        ellipses: draw those of joints as well (`Poses.draw`).
        flip: average over the crop and its mirror image.
        min_joint_score: joints below it are marked and not drawn; None for what the run's scores were fitted to.
        batch_size: crops at a time.
        device: to predict on; None for a GPU if there is one.

    Returns:
        the files, without the overlays, and a line for everything that was left out.

    Raises:
        PoseError: inputs that cannot be found or do not go together, or nobody predicted.
        Stopped: at SIGTERM or Ctrl-C; what was predicted is kept.
    """
    weights, boxes = find_run(weights), start or boxes
    predictor = _load_predictor(weights, device, flip, batch_size, limit, bool(start))
    if min_joint_score is not None:
        predictor.min_joint_score = min_joint_score
    if camera and predictor.dimensions != 3:
        raise PoseError(f"{weights}: predicts no depth, which --camera needs; give a run of 3D people")
    streams = [one for one in inputs if isinstance(one, str)]
    if streams and (len(inputs) > 1 or boxes or center or scale is not None):
        raise PoseError("a stream is predicted alone; leave out other INPUT, --boxes, --center and --scale")
    find_people = None
    if detect:
        from ief.inference.detector import load_detector

        find_people = load_detector(detector_weights, 0.5 if min_score is None else min_score, device)
    if streams:
        with lock_folder(out):
            return predict_stream(predictor, streams[0], out, find_people, camera, smooth), []
    files, videos, unread = find_inputs(inputs)
    if boxes and (placed := [path for path in videos if path in inputs or not files]):
        raise PoseError(f"{placed[0]}: --boxes places people in images; a video takes --detect, --center and --scale")
    images, left_out = read_people(boxes, start, files, min_score or 0.0, predictor)
    if boxes and videos:
        log.warning(f"{len(videos):,} videos passed over: --boxes places people in images")
        videos = []
    elif not boxes and (center or scale is not None):
        images = [place_person(image, center, scale) for image in images]
    stages = [weights] if weights.is_file() else sorted(weights.glob("stage*/stage.safetensors"))
    asked = {
        "weights": [checksum(path) for path in stages],
        "options": [flip, refine, ellipses],  # the last of the overlays alone
        "start": start and [checksum(start), times, limit],
        "scores": [predictor.network.score_map and predictor.network.score_map.right, predictor.min_joint_score],
        "detector": [str(detector_weights), min_score] if detect else None,
        "camera": camera and [*camera.parameters, camera.root_depth, *camera.distortion],  # the overlays depend on it
    }
    # A stop removes what is half written, and what is in the journal is kept.
    with lock_folder(out), Stopping().listening():
        journal, copies = Journal(out / JOURNAL, asked, predictor), []
        poses, lines = predict_images(
            predictor, images, out, journal, find_people, draw, camera, ellipses, refine, times
        )
        left_out = unread + lines + left_out  # the first one is told if nobody is predicted
        for video, (name, copy) in zip(videos, name_videos(videos), strict=True):
            options = (journal, find_people, center, scale, camera, ellipses, smooth)
            frames, lines, drawn = predict_video(predictor, video, name, out / copy, *options)
            poses, left_out, copies = poses + frames, left_out + lines, copies + drawn
        if not sum(map(len, poses)):
            journal.path.unlink(missing_ok=True)
            raise PoseError(left_out[0] if left_out else f"{inputs[0]}: nobody to predict")
        results = write_results(out, poses, predictor.skeleton, predictor.network.stage, camera, images)
        journal.path.unlink(missing_ok=True)
    return [*copies, *results], left_out


def predict_split(
    data: Path,
    split: str,
    out: Path,
    weights: Path | None = None,
    *,
    images: Path | None = None,
    start: Path | None = None,
    times: int = 1,
    limit: float | None = None,
    draw: int | None = None,
    flip: bool = False,
    batch_size: int = 32,
    device: str | None = None,
) -> tuple[list[Path], list[str]]:
    """The poses of a prepared split, `predictions-SPLIT.npz` and one file per stage before, and pictures of people.

    Args:
        data: folder that `ief prepare` wrote.
        split: one of its splits.
        out: folder to write.
        weights: a run folder or an .onnx; None for the released weights.
        images: folder of the split's images, to draw its first people on; None draws nobody.
        start, times, limit: as in `predict_inputs`; its poses are matched to the split's people.
        draw: how many people to draw; None for 12.
        flip, batch_size, device: of `predict_inputs`.

    Returns:
        the file of the last stage and the pictures, and a line for each that could not be drawn.

    Raises:
        PoseError: a split that is not there, or was prepared for another network.
    """
    predictor = _load_predictor(find_run(weights), device, flip, batch_size, limit, bool(start))
    prepared, given = load_prepared(data, split), None
    if start:
        theirs = align(read_predictions(start, predictor.skeleton.names), prepared.people)
        given = name_poses(theirs, predictor.skeleton.names, predictor.dimensions, start)
    with lock_folder(out):
        poses, scores, _ = predictor.predict_split(prepared, given, times)
        files, left_out = [save_poses(out, prepared, poses[-1:] if start else poses, scores)], []
        if images:
            load_image = image_loader(open_images(images), read_description(data).get("apply_exif", False))
            rows, people = range(min(12 if draw is None else draw, len(prepared))), prepared.people
            from ief.reporting.people import draw_people  # with matplotlib, which images do without

            for row, picture in draw_people(people, poses[-1], load_image, rows, side=480, left_out=left_out):
                name = Path(str(people.person_ids[row])).name.replace("#", "-")
                files.append(write_bytes(out / f"pictures-{split}" / f"{name}.pose.jpg", to_jpeg(picture)))
    return files, left_out


def read_people(
    boxes: Path | None, start: Path | None, files: Sequence[Path], min_score: float, predictor: PosePredictor
) -> tuple[list[ImagePeople], list[str]]:
    """The people of images: of a file of poses, of one of boxes, or one who fills each of `files`; as `read_boxes`."""
    if start:
        return read_starts(start, files, predictor.skeleton, predictor.dimensions)
    return read_boxes(boxes, files, min_score) if boxes else (whole_images(files), [])


def _load_predictor(
    weights: Path, device: str | None, flip: bool, batch_size: int, limit: float | None, refines: bool
) -> PosePredictor:
    """A predictor; lines on stderr say what it is, if a mirror image's joints are not known, and if it is to refine
    given poses with a stage that was not trained to. Raises PoseError if it cannot."""
    predictor = PosePredictor.load(weights, device, flip, batch_size, limit)
    log.warning(predictor.about)
    if flip and (note := mirror_note(predictor.skeleton)):
        log.warning(f"{weights}: {note}")
    if refines:
        predictor.check_refines()
        if predictor.network.cascade.stages[-1].design.absolute:
            reason = "keeps the head of the one before and hardly looks at a given pose"
            log.warning(f"{weights}: its last stage {reason}; train it with --start-errors")
    return predictor

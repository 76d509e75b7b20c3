"""COCO keypoints and a detector's results: crowds, people without a joint, empty images, poses of nobody, ties."""

import contextlib
import io

import numpy as np

from heads.skeleton import COCO17


def draw_detections(images: int, seed: int = 0) -> tuple[dict, list[dict]]:
    """COCO's tree and results. Ids of images are in no order, and some images have nobody."""
    rng, people, poses = np.random.default_rng(seed), [], []
    ids = rng.permutation(3 * images)[:images] + 1

    def detect(image: int, points: np.ndarray) -> None:
        keypoints = np.column_stack([points, np.ones(17)]).ravel().tolist()
        score = round(float(rng.uniform()), 1)
        poses.append({"image_id": image, "category_id": 1, "keypoints": keypoints, "score": score})

    for image in ids.tolist():
        for _ in range(rng.integers(0, 5)):
            side, middle = rng.uniform(15, 220), rng.uniform(0, 500, 2)
            points, flags = middle + side * rng.uniform(-0.5, 0.5, (17, 2)), rng.choice([0, 1, 2], 17)
            crowd, bare = rng.uniform() < 0.15, rng.uniform() < 0.15
            flags[0] = 2
            flags = flags * (not bare)
            people.append({
                "id": len(people) + 1, "image_id": image, "category_id": 1, "iscrowd": int(crowd),
                "bbox": [*(middle - side / 2).tolist(), side, side], "area": 0.6 * side**2,
                "num_keypoints": int((flags > 0).sum()),
                "keypoints": np.column_stack([np.where(flags[:, None] > 0, points, 0), flags]).ravel().tolist(),
            })  # fmt: skip
            for _ in range(rng.integers(0, 3)):
                detect(image, points + side * rng.normal(0, rng.choice([0.01, 0.03, 0.06, 0.2]), (17, 2)))
        if rng.uniform() < 0.5:
            detect(image, rng.uniform(0, 500, 2) + rng.uniform(-80, 80, (17, 2)))
    return {
        "images": [{"id": image, "file_name": f"{image:05d}.jpg"} for image in ids.tolist()],
        "annotations": people,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO17.names)}],
    }, poses


def judge(tree, poses, images=None):
    """(10,) what pycocotools prints, of some images, each as often as it is named."""
    from pycocotools.coco import COCO as Api
    from pycocotools.cocoeval import COCOeval

    named = [image["id"] for image in tree["images"]] if images is None else images

    def repeat(rows):
        copies = [(at, row) for at, image in enumerate(named, 1) for row in rows if row["image_id"] == image]
        return [{**row, "image_id": at, "id": number} for number, (at, row) in enumerate(copies, 1)]

    with contextlib.redirect_stdout(io.StringIO()):
        truth = Api()
        truth.dataset = {**tree, "images": [{"id": at + 1} for at in range(len(named))]}
        truth.dataset["annotations"] = repeat(tree["annotations"])
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(repeat(poses)), "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats

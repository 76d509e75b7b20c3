"""COCO's keypoint AP of 10,000 people by hotcoco and by pycocotools: CPU seconds of each, and how far they are apart.

Run as `PYTHONPATH=tests/helpers python tests/benchmarks/oks.py`.
"""

import contextlib
import io
import time

import numpy as np
from detected import draw_detections
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from evaluation import Bootstrap
from evaluation.metrics.oks import score_entries
from heads.skeleton import COCO17

IMAGES = 5000


def count_seconds(count):
    """What a function returns, and its CPU seconds."""
    start = time.process_time()
    return count(), time.process_time() - start


def judge(tree, poses):
    """(10,) by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = tree
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(poses), "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return 100 * run.stats


if __name__ == "__main__":
    tree, poses = draw_detections(IMAGES)
    images = [image["id"] for image in tree["images"]]
    ours, short = count_seconds(lambda: score_entries(images, tree["annotations"], poses, COCO17)[0])
    _, long = count_seconds(lambda: score_entries(images, tree["annotations"], poses, COCO17, Bootstrap()))
    theirs, slow = count_seconds(lambda: judge(tree, poses))
    print(
        f"{len(tree['annotations']):,} people, {len(poses):,} poses: hotcoco {short:.2f} s, pycocotools {slow:.1f} s, "
    )
    print(f"apart by {np.abs(ours - theirs).max():.0e}; with 1,000 resamples {long:.1f} s")

"""What a prediction is: the poses of one image's people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heads.skeleton import Skeleton


@dataclass(frozen=True)
class Poses:
    """Poses of the P people of one image.

    Attributes:
        joints: (P, K, D) float64; x, y in image pixels, 0-based, pixel centers at integers.
        skeleton: names and parents of the K joints.
        boxes: (P, 4) x1 y1 x2 y2, where each person was looked for; the whole image is 0 0 width height.
        scores: (P, K) in 0..1, how sure the network is of each joint (Li et al., ICCV 2021); NaN unless its last stage
            was trained with `--loss rle`.
        box_scores: (P,) how sure the detector was; NaN if nobody said.
        rows: (P,) each person's row among the boxes given.
        image: the image's name, empty for an array.
    """

    joints: np.ndarray
    skeleton: Skeleton
    boxes: np.ndarray
    scores: np.ndarray
    box_scores: np.ndarray
    rows: np.ndarray
    image: str = ""

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K joints."""
        return self.skeleton.names

    @property
    def person_ids(self) -> list[str]:
        """`image#1`, `image#2`, ... by the row of the boxes given."""
        return [f"{self.image}#{row + 1}" for row in self.rows.tolist()]

    def draw(self, image: np.ndarray) -> np.ndarray:
        """The image (H, W, 3) uint8 RGB with everybody's skeleton on it, as a new array.

        A joint beyond the image's edge is left out. Raises PoseError for another shape or type of image.
        """
        from evaluation.report.skeletons import check_image, draw_poses, within

        return draw_poses(image, within(self.joints[..., :2], check_image(image)), skeleton=self.skeleton)

    def to_coco(self, image_id: int | None = None) -> list[dict]:
        """One COCO keypoint result per person, as `mpii_tools.results.coco.to_coco` writes them.

        Args:
            image_id: of the image in COCO's annotations; None for the number that its name is, else 1.
        """
        from mpii_tools.results.coco import to_coco

        images = [self.image] * len(self)
        ids = None if image_id is None else {self.image: image_id}
        return to_coco(self.joints, self.scores, images, self.boxes, self.box_scores, ids)

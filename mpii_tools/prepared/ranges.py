"""The ranges of the augmentation, apart from its sampling: reading the options of a training needs no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the uniform draws (Section 4 of the paper: +-2 %, +-25 %, +-30 degrees, flip).

    Attributes:
        translation: fraction of the crop's side, each way and axis.
        scale: the zoom is 1 +- this.
        rotation: degrees, each way.
        flip: probability of a mirror image.
        color: change of contrast and brightness, each way (`mpii_tools.prepared.augmentation`); the paper has none.
        occlusion: probability that a rectangle of the crop is hidden; the paper has none.
        half_body: probability that the upper or the lower half of the body fills the crop; the paper has none.
    """

    translation: float = 0.02
    scale: float = 0.25
    rotation: float = 30.0
    flip: float = 0.5
    color: float = 0.0
    occlusion: float = 0.0
    half_body: float = 0.0

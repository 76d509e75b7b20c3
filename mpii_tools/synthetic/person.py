"""Drawing one synthetic person about given joints, part by part, the farthest part first."""

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np

from heads.skeleton import MPII
from mpii_tools.synthetic.painting import Canvas, Cloth, Look, Part, Patch, cloth_pixels, lay, lit, rasterize, smooth
from mpii_tools.synthetic.pose_prior import Posture
from mpii_tools.synthetic.studio import in_image


class Limb(NamedTuple):
    """A limb of either side.

    Attributes:
        joints: that it shows when nothing is before it; a long one goes from the first to the second.
        places, widths: places along it, and half-widths there in units of scale, for a person of common size.
        before: added to the mean depth of its joints: arms are before the trunk, legs behind it.
    """

    joints: tuple[str, ...]
    places: tuple[float, ...]
    widths: tuple[float, ...]
    before: float


LIMBS = {
    "thigh": Limb(("hip", "knee"), (0.0, 0.3, 0.65, 1.0), (9.6, 9.2, 7.6, 6.1), -3.0),
    "shin": Limb(("knee", "ankle"), (0.0, 0.3, 0.6, 1.0), (6.0, 6.4, 5.2, 3.7), -3.5),
    "foot": Limb(("ankle",), (0.0, 0.35, 0.75, 1.0), (3.9, 4.5, 4.2, 3.2), -3.6),
    "arm": Limb(("shoulder", "elbow"), (0.0, 0.3, 0.6, 1.0), (6.1, 6.0, 5.2, 4.6), 3.0),
    "forearm": Limb(("elbow", "wrist"), (0.0, 0.3, 1.0), (4.6, 4.8, 3.2), 3.5),
    "hand": Limb(("wrist",), (0.0, 0.35, 0.75, 1.0), (2.9, 4.0, 3.7, 2.4), 3.4),
}
SHOWN = {  # the joints that each part shows
    "trunk": ("pelvis", "thorax", "upper_neck", "r_hip", "l_hip", "r_shoulder", "l_shoulder"),
    "head": ("thorax", "upper_neck", "head_top"),
    **{f"{s}_{name}": tuple(f"{s}_{joint}" for joint in limb.joints) for s in "rl" for name, limb in LIMBS.items()},
}
PARTS = tuple(SHOWN)
# The trunk: places (0 shoulders, 1 hips), half-widths seen from the front, half-widths seen from the side.
TRUNK_PLACES = np.array([-0.06, 0.06, 0.3, 0.62, 0.92, 1.06, 1.2])
TRUNK_FRONT = np.array([18.5, 20.5, 18.0, 14.8, 17.0, 16.5, 9.0])
TRUNK_SIDE = np.array([7.5, 9.5, 11.8, 10.2, 12.0, 11.0, 6.5])
HALF_SHOULDERS, HALF_HIPS = 21.0, 12.7
WAIST = 0.85  # where the top ends on the trunk


def joints_in_view(owner: np.ndarray, joints: np.ndarray, first: int = 1) -> np.ndarray:
    """(16,) bool: inside the picture, and the pixel shows a part of the same person that holds the joint.

    Args:
        owner: (H, W) as in `Canvas`, after everything was painted.
        joints: (16, 2) image pixels.
    """
    seen = in_image(pixels := np.rint(joints).astype(int), *owner.shape)
    for k in np.flatnonzero(seen):
        part = owner[pixels[k, 1], pixels[k, 0]] - first
        seen[k] = 0 <= part < len(PARTS) and MPII.names[k] in SHOWN[PARTS[part]]
    return seen


@dataclass(frozen=True)
class Painter:
    """Paints one person on a canvas.

    Attributes:
        joints: (16, 2) image pixels, 0-based.
        scale: image pixels per unit of scale (MPII's scale of this person).
        posture: depth and facing.
        first: owner number of the person's first part; part i of PARTS becomes `first + i`.
    """

    canvas: Canvas
    joints: np.ndarray
    scale: float
    posture: Posture
    look: Look
    first: int = 1

    def paint(self) -> None:
        """Paint all parts, the farthest first."""
        trunk, head = 0.5 * (self.depth("thorax") + self.depth("pelvis")), self.depth("upper_neck") + 2
        jobs = [(trunk, self.paint_trunk), (head - 0.5, self.paint_neck), (head + 1, self.paint_head)]
        for side, (name, limb) in product("rl", LIMBS.items()):
            depth = sum(self.depth(f"{side}_{joint}") for joint in limb.joints) / len(limb.joints) + limb.before
            paint = {"foot": self.paint_foot, "hand": self.paint_hand}.get(name, self.paint_limb)
            jobs.append((depth, partial(paint, side, name)))
        for _, paint in sorted(jobs, key=lambda job: job[0]):
            paint()

    def at(self, joint: str) -> np.ndarray:
        """(2,) place of a joint in the picture."""
        return self.joints[MPII.index(joint)]

    def depth(self, joint: str) -> float:
        """Of a joint; larger is nearer to the viewer."""
        return float(self.posture.depth[MPII.index(joint)])

    @property
    def bulk(self) -> float:
        """Pixels per unit of the profiles: widths grow with the bones."""
        return self.scale * self.posture.size

    def shape_limb(self, start: np.ndarray, end: np.ndarray, name: str) -> Part:
        """A part as wide as the limb is."""
        widths = np.array(LIMBS[name].widths) * self.bulk * self.look.stoutness**0.7
        return Part(start, end, np.array(LIMBS[name].places), widths)

    def paint_part(self, part: Part, name: str, cloth: Cloth, until: float = 1.0, soft: bool = True) -> None:
        """Paint `part` in a cloth `until` a place along its axis, and in skin from there on."""
        patch = rasterize(self.canvas, part)
        color = cloth_pixels(cloth if until > 0 else self.look.skin, patch, part, self.scale)
        if 0 < until < 1:
            color = self.join(color, self.look.skin, patch, part, until)
        color = color * lit(self.canvas, patch.across, part.side)[..., None]
        lay(self.canvas, patch, color, self.first + PARTS.index(name), 0.45, soft)

    def join(self, color: np.ndarray, cloth: Cloth, patch: Patch, part: Part, place: float) -> np.ndarray:
        """`color` (h, w, 3) with another cloth from a place on, and a dark hem between the two."""
        beyond = (patch.along - place) * part.length
        edge, hem = np.clip(beyond + 0.5, 0, 1)[..., None], (np.abs(beyond) < self.scale)[..., None]
        return (color + edge * (cloth_pixels(cloth, patch, part, self.scale) - color)) * (1 - 0.3 * hem)

    def paint_limb(self, side: str, name: str) -> None:
        """A thigh, shin, arm or forearm, with trousers or a sleeve as far as they go."""
        part = self.shape_limb(*(self.at(f"{side}_{joint}") for joint in LIMBS[name].joints), name)
        leg = name in ("thigh", "shin")
        cloth, length = (self.look.bottom, self.look.trouser) if leg else (self.look.top, self.look.sleeve)
        self.paint_part(part, f"{side}_{name}", cloth, length - (name in ("shin", "forearm")))

    def paint_hand(self, side: str, name: str) -> None:
        """A hand that continues the forearm; one that points at the viewer is short."""
        wrist, axis = self.at(f"{side}_wrist"), self.at(f"{side}_wrist") - self.at(f"{side}_elbow")
        length = np.hypot(*axis)
        reach = np.clip(length / (25 * self.bulk), 0.45, 1.0) * 11.5 * self.bulk
        hand = self.shape_limb(wrist, wrist + axis / (length + 1e-6) * reach, name)
        self.paint_part(hand, f"{side}_{name}", self.look.skin)

    def paint_foot(self, side: str, name: str) -> None:
        """A shoe: long towards the side where the person looks, short when the toes point at the viewer."""
        aside, towards = self.posture.facing
        shin = self.shape_limb(self.at(f"{side}_knee"), self.at(f"{side}_ankle"), "shin")
        heel = shin.end + self.bulk * (2.5 * shin.direction - 4.0 * aside * shin.side)
        ahead = 14.0 * aside + 4.0 * (1 if side == "l" else -1) * towards
        toe = shin.end + self.bulk * ((5.0 + 5.5 * max(towards, 0)) * shin.direction + ahead * shin.side)
        self.paint_part(self.shape_limb(heel, toe, name), f"{side}_{name}", self.look.shoe, soft=False)

    def shape_trunk(self) -> Part:
        """The trunk from the shoulders to the crotch, as wide as the turn of the body shows it."""
        top, bottom = self.at("thorax"), self.at("pelvis")
        axis = Part(top, bottom, np.zeros(1), np.ones(1))
        shares, tilts = [], []
        for joint, half in (("shoulder", HALF_SHOULDERS), ("hip", HALF_HIPS)):
            vector = 0.5 * (self.at(f"l_{joint}") - self.at(f"r_{joint}"))
            shown = vector @ axis.side
            shares.append(min(abs(shown) / (half * self.bulk), 1.1))
            tilts.append(np.clip(vector @ axis.direction * np.sign(shown) / (abs(shown) + 4 * self.bulk), -0.6, 0.6))
        share, tilt = (np.interp(TRUNK_PLACES, [0, 1], ends) for ends in (shares, tilts))
        widths = np.sqrt((TRUNK_FRONT * share) ** 2 + TRUNK_SIDE**2 * np.clip(1 - share**2, 0, 1))
        widths *= self.bulk * self.look.stoutness
        centers = top + TRUNK_PLACES[:, None] * (bottom - top)
        arms = widths[:, None] * (axis.side + tilt[:, None] * axis.direction)
        neck, collar = top + 0.75 * (self.at("upper_neck") - top), 5.0 * self.bulk * axis.side
        outline = np.concatenate([[neck + collar], centers + arms, (centers - arms)[::-1], [neck - collar]])
        return Part(top, bottom, TRUNK_PLACES, widths, smooth(outline))

    def surface(self, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(h, w) each, of places across a round body: `ahead` is 1 at the breastbone, `left` at its left side."""
        (aside, towards), turn = np.float32(self.posture.facing), np.clip(across, -1, 1)
        near = np.sqrt(1 - turn**2)
        return aside * turn + towards * near, towards * turn - aside * near

    def paint_trunk(self) -> None:
        """Shoulders and hips, on which the limbs hang however the trunk turns, then top, collar and trousers."""
        look, part = self.look, self.shape_trunk()
        for joint, radius, cloth in (("shoulder", 6.0, look.top), ("hip", 9.0, look.bottom)):
            widths = np.full(2, radius * self.bulk * look.stoutness**0.7)
            across = Part(*(self.at(f"{side}_{joint}") for side in "rl"), np.array([0.0, 1.0]), widths)
            self.paint_part(across, "trunk", cloth, soft=False)
        patch = rasterize(self.canvas, part)
        ahead, left = self.surface(patch.across)
        collar = (patch.along < np.where(ahead > 0.1, 0.13 - 0.4 * np.abs(left), -0.06))[..., None]
        skin, top = (cloth_pixels(cloth, patch, part, self.scale) for cloth in (look.skin, look.top))
        color = self.join(np.where(collar, skin, top), look.bottom, patch, part, WAIST)
        color = color * lit(self.canvas, patch.across * 0.92, part.side)[..., None]
        lay(self.canvas, patch, color, self.first + PARTS.index("trunk"), 0.4, False)

    def paint_neck(self) -> None:
        """The neck, from the thorax into the head."""
        base, top = self.at("thorax"), self.at("upper_neck")
        ends = base + 0.35 * (top - base), top + 0.25 * (self.at("head_top") - top)
        self.paint_part(Part(*ends, np.array([0.0, 1.0]), np.array([5.6, 5.2]) * self.bulk), "head", self.look.skin)

    def paint_head(self) -> None:
        """An egg-shaped head whose surface is colored in its own frame: face ahead, hair on top and behind."""
        axis = self.at("head_top") - self.at("upper_neck")
        up, half = axis / (np.hypot(*axis) + 1e-6), 0.47 * float(np.hypot(*axis))
        center, right = self.at("head_top") - up * (half - 0.6 * self.scale), np.array([-up[1], up[0]])
        wide = half * (0.74 + 0.10 * abs(self.posture.facing[0]))
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        jaw = 1 - 0.16 * np.clip(-np.sin(angle), 0, 1) ** 2
        outline = center + half * np.sin(angle)[:, None] * up + (wide * np.cos(angle) * jaw)[:, None] * right
        part = Part(center + half * up, center - half * up, np.array([0.0, 1.0]), np.array([wide, wide]), outline)
        patch = rasterize(self.canvas, part)
        high = 1 - 2 * patch.along  # 1 at the top, -1 at the chin
        room = np.sqrt(np.clip(1 - high**2, 0.02, 1))
        ahead, left = self.surface(patch.across / room)
        color = self.face(cloth_pixels(self.look.skin, patch, part, self.scale), high, left * room, ahead)
        hairline = np.where(ahead > 0, np.clip(1.05 * ahead, 0, 0.7), 0.6 * ahead) - 0.15
        hair = cloth_pixels(self.look.hair, patch, part, self.scale)
        color = color + np.clip((high - hairline) * 6, 0, 1)[..., None] * (hair - color)
        color = color * (lit(self.canvas, patch.across * 0.95, part.side) * (1 + 0.12 * high))[..., None]
        lay(self.canvas, patch, color, self.first + PARTS.index("head"), 0.5, False)

    def face(self, skin: np.ndarray, high: np.ndarray, left: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """(h, w, 3) `skin` with eyes, brows, nose and mouth on the front of the head."""

        def spot(x: float, y: float, w: float, h: float) -> np.ndarray:
            return np.exp(-(((np.abs(left) - x) / w) ** 2) - ((high - y) / h) ** 2) * (ahead > 0.15)

        dark = spot(0.34, 0.02, 0.13, 0.075) + 0.7 * spot(0.34, 0.2, 0.2, 0.05) + 0.35 * spot(0.0, -0.26, 0.14, 0.07)
        color = skin * (1 - np.clip(dark, 0, 0.9))[..., None]
        lips = (self.look.skin.color * [0.8, 0.5, 0.5]).astype(np.float32)
        return color + 0.8 * spot(0.0, -0.52, 0.24, 0.07)[..., None] * (lips - color)

"""Drawing one synthetic person about given joints, part by part, the farthest part first."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import cv2
import numpy as np

from heads.skeleton import MPII
from mpii_tools.synthetic.clothes import Look
from mpii_tools.synthetic.painting import Canvas, Cloth, Part, Patch, cloth_pixels, folds, lay, lit, rasterise, smooth
from mpii_tools.synthetic.pose_prior import Posture

PARTS = (
    "trunk",
    "head",
    "r_thigh",
    "r_shin",
    "r_foot",
    "l_thigh",
    "l_shin",
    "l_foot",
    "r_arm",
    "r_forearm",
    "r_hand",
    "l_arm",
    "l_forearm",
    "l_hand",
)
# The parts that show a joint when nothing lies before it.
SHOWN_BY = {
    "pelvis": ("trunk",),
    "thorax": ("trunk", "head"),
    "upper_neck": ("trunk", "head"),
    "head_top": ("head",),
    **{
        f"{side}_{joint}": tuple(part if part == "trunk" else f"{side}_{part}" for part in parts)
        for side in "rl"
        for joint, parts in {
            "hip": ("trunk", "thigh"),
            "knee": ("thigh", "shin"),
            "ankle": ("shin", "foot"),
            "shoulder": ("trunk", "arm"),
            "elbow": ("arm", "forearm"),
            "wrist": ("forearm", "hand"),
        }.items()
    },
}

# Half-widths along each limb in units of scale, for a person of common size.
PROFILES = {
    "thigh": ((0.0, 0.3, 0.65, 1.0), (9.6, 9.2, 7.6, 6.1)),
    "shin": ((0.0, 0.3, 0.6, 1.0), (6.0, 6.4, 5.2, 3.7)),
    "arm": ((0.0, 0.3, 0.6, 1.0), (6.1, 6.0, 5.2, 4.6)),
    "forearm": ((0.0, 0.3, 1.0), (4.6, 4.8, 3.2)),
    "hand": ((0.0, 0.35, 0.75, 1.0), (2.9, 4.0, 3.7, 2.4)),
    "foot": ((0.0, 0.35, 0.75, 1.0), (3.9, 4.5, 4.2, 3.2)),
}
# The trunk: where (0 shoulders, 1 hips), half-width seen from the front, half-width seen from the side.
TRUNK = np.array(
    [
        [-0.06, 18.5, 7.5],
        [0.06, 20.5, 9.5],
        [0.3, 18.0, 11.8],
        [0.62, 14.8, 10.2],
        [0.92, 17.0, 12.0],
        [1.06, 16.5, 11.0],
        [1.2, 9.0, 6.5],
    ]
)
HALF_SHOULDERS, HALF_HIPS = 21.0, 12.7


def draw_person(canvas: Canvas, joints: np.ndarray, scale: float, posture: Posture, look: Look, first: int = 1) -> None:
    """Paint one person on the canvas.

    Args:
        joints: (16, 2) image pixels, 0-based.
        scale: image pixels per unit of scale (MPII's scale of this person).
        posture: depth and facing, from `pose_prior.read_posture`.
        first: owner number of the person's first part; part i of PARTS becomes `first + i`.
    """
    figure = Figure(canvas, joints, scale, posture, look, first)
    for _, paint in sorted(figure.jobs(), key=lambda job: job[0]):
        paint()


def joints_in_view(owner: np.ndarray, joints: np.ndarray, first: int = 1) -> np.ndarray:
    """(16,) bool: inside the picture, and the pixel shows a part of the same person that holds the joint.

    Args:
        owner: (H, W) as in `Canvas`, after everything was painted.
        joints: (16, 2) image pixels.
    """
    pixels = np.rint(joints).astype(int)
    inside = ((pixels >= 0) & (pixels < owner.shape[::-1])).all(axis=1)
    seen = np.zeros(len(joints), bool)
    for k in np.flatnonzero(inside):
        shown_by = {first + PARTS.index(part) for part in SHOWN_BY[MPII.names[k]]}
        seen[k] = owner[pixels[k, 1], pixels[k, 0]] in shown_by
    return seen


class Figure:
    """One person's parts; `jobs` gives what to paint with the depth that orders it."""

    def __init__(self, canvas: Canvas, joints: np.ndarray, scale: float, posture: Posture, look: Look, first: int):
        self.canvas, self.look, self.first = canvas, look, first
        self.unit = float(scale)
        self.bulk = float(scale) * posture.size  # widths grow with the bones
        self.aside, self.towards = posture.facing
        self.at = {name: joints[k].astype(np.float64) for k, name in enumerate(MPII.names)}
        self.depth = {name: posture.depth[k] for k, name in enumerate(MPII.names)}

    def jobs(self) -> list[tuple[float, Callable[[], None]]]:
        """(depth, paint) of every part; a larger depth is nearer to the viewer."""
        trunk = 0.5 * (self.depth["thorax"] + self.depth["pelvis"])
        head = self.depth["upper_neck"] + 2
        jobs = [(trunk, self.paint_trunk), (head + 1, self.paint_head), (head - 0.5, self.paint_neck)]
        if self.look.hair_style == "long":
            jobs.append((head + 2 if self.towards < 0.1 else trunk - 0.5, self.paint_long_hair))
        if self.look.skirt:
            thighs = [0.5 * (self.depth[f"{s}_hip"] + self.depth[f"{s}_knee"]) + 0.5 * (s == "r") for s in "rl"]
            jobs.append((max(trunk, *thighs) + 0.3, self.paint_skirt))
        for side in "rl":
            hip, knee, ankle = (self.depth[f"{side}_{j}"] for j in ("hip", "knee", "ankle"))
            shoulder, elbow, wrist = (self.depth[f"{side}_{j}"] for j in ("shoulder", "elbow", "wrist"))
            arm = 0.5 * (shoulder + elbow) + 3
            jobs += [
                (0.5 * (hip + knee) - 3, lambda s=side: self.paint_leg(s, "thigh")),
                (0.5 * (knee + ankle) - 3.5, lambda s=side: self.paint_leg(s, "shin")),
                (0.4 * knee + 0.6 * ankle - 3.6, lambda s=side: self.paint_foot(s)),
                (arm, lambda s=side: self.paint_arm(s, "arm")),
                (0.5 * (elbow + wrist) + 3.5, lambda s=side: self.paint_arm(s, "forearm")),
                (0.4 * elbow + 0.6 * wrist + 3.4, lambda s=side: self.paint_hand(s)),
            ]
        return jobs

    def limb(self, start: np.ndarray, end: np.ndarray, profile: str) -> Part:
        """The part of a limb, as wide as its profile says."""
        stations, widths = (np.array(v) for v in PROFILES[profile])
        return Part(start, end, stations, widths * self.bulk * self.look.stoutness**0.7)

    def paint_part(self, part: Part, name: str, cloths: list[tuple[float, Cloth]], soft: bool = True) -> None:
        """Paint `part` in cloths, each up to its place along the axis; the last one goes on to the end."""
        patch = rasterise(self.canvas, part)
        if patch is None:
            return
        color = cloth_pixels(cloths[-1][1], patch, part, self.unit)
        for until, cloth in reversed(cloths[:-1]):
            if until > 0:
                edge = np.clip((until - patch.along) * part.length + 0.5, 0, 1)[..., None]
                color = color + edge * (cloth_pixels(cloth, patch, part, self.unit) - color)
                hem = np.abs(patch.along - until) * part.length < 0.8 * self.unit
                color = color * (1 - 0.25 * hem[..., None])
        color = color * lit(self.canvas, patch.across, part.side)[..., None]
        lay(self.canvas, patch, color, self.owner(name), 0.45, soft)

    def owner(self, name: str) -> int:
        """The part's number in the owner map."""
        return self.first + PARTS.index(name)

    def paint_leg(self, side: str, name: str) -> None:
        """Thigh or shin, with trousers as far as they go."""
        ends = ("hip", "knee") if name == "thigh" else ("knee", "ankle")
        part = self.limb(*(self.at[f"{side}_{j}"] for j in ends), name)
        covered = self.look.trouser - (name == "shin")
        self.paint_part(part, f"{side}_{name}", self.covered(covered, self.look.bottom))

    def paint_arm(self, side: str, name: str) -> None:
        """Upper arm or forearm, with the sleeve as far as it goes."""
        ends = ("shoulder", "elbow") if name == "arm" else ("elbow", "wrist")
        part = self.limb(*(self.at[f"{side}_{j}"] for j in ends), name)
        covered = self.look.sleeve - (name == "forearm")
        self.paint_part(part, f"{side}_{name}", self.covered(covered, self.look.top))

    def covered(self, share: float, cloth: Cloth) -> list[tuple[float, Cloth]]:
        """A limb in `cloth` over its first `share`, skin below."""
        return [(2.0, cloth)] if share >= 1 else [(share, cloth), (2.0, self.look.skin)]

    def paint_hand(self, side: str) -> None:
        """A hand that goes on from the forearm."""
        wrist, elbow = self.at[f"{side}_wrist"], self.at[f"{side}_elbow"]
        axis = wrist - elbow
        # A forearm pointing at the viewer shows a short hand.
        reach = np.clip(np.hypot(*axis) / (25 * self.bulk), 0.45, 1.0) * 11.5 * self.bulk
        axis = axis / (np.hypot(*axis) + 1e-6)
        part = self.limb(wrist, wrist + axis * reach, "hand")
        self.paint_part(part, f"{side}_hand", [(2.0, self.look.skin)])

    def paint_foot(self, side: str) -> None:
        """A shoe: long towards the side where the person looks, short when the toes point at the viewer."""
        knee, ankle = self.at[f"{side}_knee"], self.at[f"{side}_ankle"]
        down = (ankle - knee) / (np.hypot(*(ankle - knee)) + 1e-6)
        right = np.array([down[1], -down[0]])
        splay = 4.0 * (1 if side == "l" else -1) * self.towards
        heel = ankle + self.bulk * (2.5 * down - 4.0 * self.aside * right)
        ahead = 14.0 * self.aside + splay
        toe = ankle + self.bulk * ((5.0 + 5.5 * max(self.towards, 0)) * down + ahead * right)
        self.paint_part(self.limb(heel, toe, "foot"), f"{side}_foot", [(2.0, self.look.shoe)], soft=False)

    @cached_property
    def trunk_part(self) -> Part:
        """The trunk from the shoulders to the crotch, as wide as the turn of the body shows it."""
        top, bottom = self.at["thorax"], self.at["pelvis"]
        axis = Part(top, bottom, np.zeros(1), np.ones(1))
        levels, front, profile = TRUNK.T
        rows, tilts = [], []
        for joint, half in (("shoulder", HALF_SHOULDERS), ("hip", HALF_HIPS)):
            vector = 0.5 * (self.at[f"l_{joint}"] - self.at[f"r_{joint}"])
            shown = vector @ axis.side
            rows.append(min(abs(shown) / (half * self.bulk), 1.1))
            tilts.append(np.clip(vector @ axis.direction * np.sign(shown) / (abs(shown) + 4 * self.bulk), -0.6, 0.6))
        share = np.interp(levels, [0, 1], rows)
        tilt = np.interp(levels, [0, 1], tilts)
        depth = profile**2 * np.clip(1 - share**2, 0, 1)
        widths = np.sqrt((front * share) ** 2 + depth) * self.bulk * self.look.stoutness
        centers = top + levels[:, None] * axis.length * axis.direction
        arms = widths[:, None] * (axis.side + tilt[:, None] * axis.direction)
        base = top + 0.75 * (self.at["upper_neck"] - top)
        collar = 5.0 * self.bulk * axis.side
        outline = np.concatenate([[base + collar], centers + arms, (centers - arms)[::-1], [base - collar]])
        return Part(top, bottom, levels, widths, smooth(outline))

    def paint_trunk(self) -> None:
        """Top and trousers; on the front a collar, perhaps a jacket's opening or an emblem."""
        self.paint_girdles()
        part = self.trunk_part
        patch = rasterise(self.canvas, part)
        if patch is None:
            return
        look = self.look
        color = cloth_pixels(look.top, patch, part, self.unit)
        # Turn the visible surface into the body's own frame: `ahead` is 1 at the breastbone, `left` at the left side.
        across = np.clip(patch.across, -1, 1)
        nearness = np.sqrt(1 - across**2)
        ahead = np.float32(self.aside) * across + np.float32(self.towards) * nearness
        left = np.float32(self.towards) * across - np.float32(self.aside) * nearness
        on_front = ahead > 0.1
        if look.jacket:
            color = np.where((on_front & (np.abs(left) < 0.16))[..., None], look.top.second.astype(np.float32), color)
        if look.emblem:
            mark = on_front & (np.abs(left) < 0.42) & (np.abs(patch.along - 0.3) < 0.1)
            color = np.where(mark[..., None], look.top.second.astype(np.float32), color)
        collar = (patch.along < np.where(on_front, 0.13 - 0.4 * np.abs(left), -0.06)).astype(np.float32)
        color = color + collar[..., None] * (cloth_pixels(look.skin, patch, part, self.unit) - color)
        legs = look.top if look.skirt and look.waist > 0.85 else look.bottom
        edge = np.clip((patch.along - look.waist) * part.length + 0.5, 0, 1)[..., None]
        color = color + edge * (cloth_pixels(legs, patch, part, self.unit) - color)
        hem = np.abs(patch.along - look.waist) * part.length < 1.0 * self.unit
        color = color * (1 - 0.35 * hem[..., None])
        # Chest and shoulder blades catch the light, the small of the back and the belly less.
        relief = 1 + 0.08 * np.cos(2 * np.pi * (patch.along - 0.22)) - 0.1 * (np.abs(left) < 0.05) * (ahead < -0.5)
        color = color * (lit(self.canvas, patch.across * 0.92, part.side) * relief.astype(np.float32))[..., None]
        lay(self.canvas, patch, color, self.owner("trunk"), 0.4, False)

    def paint_girdles(self) -> None:
        """Shoulders and hips under the trunk, so that the limbs hang on it however the trunk turns."""
        for joint, radius, cloth in (("shoulder", 6.0, self.look.top), ("hip", 9.0, self.look.bottom)):
            ends = (self.at[f"r_{joint}"], self.at[f"l_{joint}"])
            part = Part(*ends, np.array([0.0, 1.0]), np.full(2, radius * self.bulk * self.look.stoutness**0.7))
            self.paint_part(part, "trunk", [(2.0, cloth)], soft=False)

    def paint_skirt(self) -> None:
        """A skirt about the hips and the upper part of both thighs."""
        trunk = self.trunk_part
        waist = np.interp(0.8, trunk.stations, trunk.widths) * trunk.side
        center = trunk.start + 0.8 * (trunk.end - trunk.start)
        corners = [center - waist, center + waist]
        for side in "rl":
            hip, knee = self.at[f"{side}_hip"], self.at[f"{side}_knee"]
            thigh = Part(hip, knee, np.zeros(1), np.ones(1))
            hem = hip + 0.72 * (knee - hip)
            corners += [hem - 10 * self.bulk * thigh.side, hem + 10 * self.bulk * thigh.side]
        hull = cv2.convexHull(np.array(corners, np.float32))[:, 0].astype(np.float64)
        hem = 0.5 * (self.at["r_knee"] + self.at["l_knee"])
        width = max(float(np.abs((hull - center) @ trunk.side).max()), 1.0)
        part = Part(center, hem, np.array([0.0, 1.0]), np.array([np.hypot(*waist), width]), smooth(hull, 1))
        self.paint_part(part, "trunk", [(2.0, self.look.bottom)], soft=True)

    def paint_neck(self) -> None:
        """The neck, from the thorax into the head."""
        base, top = self.at["thorax"], self.at["upper_neck"]
        end = top + 0.25 * (self.at["head_top"] - top)
        start = base + 0.35 * (top - base)
        part = Part(start, end, np.array([0.0, 1.0]), np.array([5.6, 5.2]) * self.bulk)
        self.paint_part(part, "head", [(2.0, self.look.skin)], soft=True)

    def head_axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Center of the head, unit vectors to its right side in the picture and upwards, half its height."""
        neck, top = self.at["upper_neck"], self.at["head_top"]
        up = (top - neck) / (np.hypot(*(top - neck)) + 1e-6)
        half = 0.5 * 0.94 * float(np.hypot(*(top - neck)))
        return top - up * (half - 0.6 * self.unit), np.array([-up[1], up[0]]), up, half

    def paint_long_hair(self) -> None:
        """Hair that falls from the head to the shoulders; before the trunk when the person looks away."""
        center, right, up, half = self.head_axes()
        start = center - 0.25 * half * right * self.aside
        end = start - up * 1.75 * half - 0.35 * half * right * self.aside
        part = Part(start, end, np.array([0.0, 0.4, 1.0]), np.array([0.82, 0.8, 0.6]) * half)
        cloth = Cloth(self.look.hair, self.look.hair * 1.2, "pinstripes", 3.0, 0.3)
        self.paint_part(part, "head", [(2.0, cloth)], soft=False)

    def paint_head(self) -> None:
        """An egg-shaped head whose surface is colored in its own frame: face ahead, hair on top and behind."""
        look = self.look
        center, right, up, half = self.head_axes()
        wide = half * (0.74 + 0.10 * abs(self.aside))
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        jaw = 1 - 0.16 * np.clip(-np.sin(angle), 0, 1) ** 2
        outline = center + half * np.sin(angle)[:, None] * up + (wide * np.cos(angle) * jaw)[:, None] * right
        if abs(self.aside) > 0.5:  # the nose stands out in profile
            tip = np.sign(self.aside) * (wide + 0.13 * half * abs(self.aside))
            at = int(np.argmin(np.abs(outline - center - np.sign(self.aside) * wide * right).sum(axis=1)))
            outline[at] = center + tip * right - 0.12 * half * up
        part = Part(center + half * up, center - half * up, np.array([0.0, 1.0]), np.array([wide, wide]), outline)
        patch = rasterise(self.canvas, part)
        if patch is None:
            return
        high = 1 - 2 * patch.along  # 1 at the top, -1 at the chin
        # `across` runs along part.side, which is the picture's right for an upright head.
        room = np.sqrt(np.clip(1 - high**2, 0.02, 1))
        turn = np.clip(patch.across / room, -1, 1)
        near = np.sqrt(1 - turn**2)
        ahead = np.float32(self.aside) * turn + np.float32(self.towards) * near
        left = np.float32(self.towards) * turn - np.float32(self.aside) * near

        skin = cloth_pixels(look.skin, patch, part, self.unit)
        color = self.face(skin, high, left * room, ahead)
        color = self.crown(color, patch, high, ahead)
        shine = lit(self.canvas, patch.across * 0.95, part.side) * (1 + 0.12 * high)
        lay(self.canvas, patch, color * shine[..., None], self.owner("head"), 0.5, False)

    def face(self, skin: np.ndarray, high: np.ndarray, left: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Eyes, brows, nose, mouth, ears and perhaps a beard on the front of the head."""

        def spot(x: float, y: float, w: float, h: float) -> np.ndarray:
            return np.exp(-(((left - x) / w) ** 2) - ((high - y) / h) ** 2) * (ahead > 0.15)

        dark, lips = np.float32([0.1, 0.07, 0.06]), (self.look.skin.color * [0.8, 0.5, 0.5]).astype(np.float32)
        color = skin
        if self.look.beard:
            jaw = np.clip((-0.3 - high) * 6, 0, 1) * (ahead > -0.1) * 0.85
            color = color + jaw[..., None] * (self.look.hair.astype(np.float32) - color)
        eyes = spot(-0.34, 0.02, 0.13, 0.075) + spot(0.34, 0.02, 0.13, 0.075)
        brows = 0.7 * (spot(-0.34, 0.2, 0.2, 0.05) + spot(0.34, 0.2, 0.2, 0.05))
        nose = 0.35 * spot(0.0, -0.26, 0.14, 0.07)
        mouth = spot(0.0, -0.52, 0.24, 0.07)
        color = color + np.clip(eyes + brows + nose, 0, 0.9)[..., None] * (dark - color)
        color = color + 0.8 * mouth[..., None] * (lips - color)
        ears = np.exp(-((ahead / 0.16) ** 2) - ((high + 0.02) / 0.2) ** 2)
        return color * (1 - 0.3 * ears[..., None])

    def crown(self, color: np.ndarray, patch: Patch, high: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Hair or a cap over the top and the back of the head."""
        style = self.look.hair_style
        if style == "bald":
            return color
        low = -0.15 if style != "long" else -0.7
        hairline = np.where(ahead > 0, low + (0.55 - low) * np.clip(ahead * 1.5, 0, 1), low + 0.6 * ahead)
        cover = np.clip((high - hairline) * 6, 0, 1)[..., None]
        strands = 1 + 0.5 * folds(*high.shape)
        hair = self.look.hair.astype(np.float32) * strands[..., None]
        color = color + cover * (hair - color)
        if style == "cap":
            brim = np.clip((high - 0.32) * 10, 0, 1)[..., None]
            peak = (np.abs(high - 0.3) < 0.07) & (ahead > 0.2)
            color = color + brim * (self.look.top.second.astype(np.float32) - color)
            color = np.where(peak[..., None], self.look.top.second.astype(np.float32) * 0.6, color)
        return color

"""Painting shaded shapes: a canvas, shapes about an axis, the light on them and the cloth that covers them.

Every pixel of a shape has two coordinates in it, `along` (0 at the start of its axis, 1 at the end) and `across` (-1
to 1 between its edges). From them follow the surface normal of a cylinder, hence the light, and the cloth's pattern.
Colors are RGB, 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np

SUBPIXEL = 4  # OpenCV draws at 1/16 px
TILE = 1024


@dataclass
class Canvas:
    """A picture being painted.

    Attributes:
        color: (H, W, 3) float32 RGB, 0 to 1.
        owner: (H, W) int16; 0 background, `first + i` part i of the person drawn with `first`, negative an occluder.
        light: (3,) unit vector towards the light: right, down, towards the viewer.
        ambient: light that comes from everywhere, 0 to 1.
    """

    color: np.ndarray
    owner: np.ndarray
    light: np.ndarray
    ambient: float


@dataclass(frozen=True)
class Cloth:
    """A cloth or skin: its color, a second color and the pattern in which the two change."""

    color: np.ndarray
    second: np.ndarray
    pattern: str = "plain"  # plain, stripes (around the part), pinstripes (along it), checks
    period: float = 8.0  # units of scale
    creases: float = 0.16  # strength of the folds


@dataclass(frozen=True)
class Part:
    """A shape about an axis, in image pixels.

    Attributes:
        start, end: (2,) the axis.
        stations: (S,) places along it, ascending; widths: (S,) half-widths there.
        outline: (P, 2) its outline, if that is not the axis widened by the widths and rounded at both ends.
    """

    start: np.ndarray
    end: np.ndarray
    stations: np.ndarray
    widths: np.ndarray
    outline: np.ndarray | None = None

    @cached_property
    def length(self) -> float:
        """Length of the axis in pixels, at least half a pixel."""
        return max(float(np.hypot(*(self.end - self.start))), 0.5)

    @cached_property
    def direction(self) -> np.ndarray:
        """(2,) unit vector along the axis; downwards if the axis has no length."""
        axis = self.end - self.start
        norm = np.hypot(*axis)
        return axis / norm if norm > 1e-6 else np.array([0.0, 1.0])

    @cached_property
    def side(self) -> np.ndarray:
        """(2,) unit vector across the axis: to the picture's right for an axis that points down."""
        return np.array([self.direction[1], -self.direction[0]])

    def polygon(self) -> np.ndarray:
        """(P, 2) outline in pixels without the round ends."""
        if self.outline is not None:
            return self.outline
        centers = self.start + self.stations[:, None] * (self.end - self.start)
        arms = self.widths[:, None] * self.side
        return np.concatenate([centers + arms, (centers - arms)[::-1]])


@dataclass(frozen=True)
class Patch:
    """The pixels of one part: a box of the canvas, the part's coverage there and its coordinates."""

    box: tuple[slice, slice]
    cover: np.ndarray  # (h, w) 0 to 1
    along: np.ndarray  # (h, w) 0 at the start, 1 at the end of the axis
    across: np.ndarray  # (h, w) -1 to 1 between the edges


def rasterize(canvas: Canvas, part: Part, margin: int = 4) -> Patch | None:
    """The patch of `part`; None if it is outside the picture."""
    polygon = part.polygon()
    ends = ((part.start, part.widths[0]), (part.end, part.widths[-1])) if part.outline is None else ()
    corners = np.concatenate([polygon, *[[point - r, point + r] for point, r in ends]])
    height, width = canvas.owner.shape
    x0, y0 = np.maximum((corners.min(axis=0) // 1).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + margin + 1, (width, height))
    if x1 <= x0 or y1 <= y0:
        return None
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    fine = 1 << SUBPIXEL
    cv2.fillPoly(mask, [np.rint((polygon - (x0, y0)) * fine).astype(np.int32)], 255, cv2.LINE_AA, SUBPIXEL)
    for point, radius in ends:
        center = tuple(int(v) for v in np.rint((point - (x0, y0)) * fine))
        cv2.circle(mask, center, max(int(radius * fine), 1), 255, -1, cv2.LINE_AA, SUBPIXEL)
    ys = np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(part.start[1])
    xs = np.arange(x0, x1, dtype=np.float32)[None, :] - np.float32(part.start[0])
    along = (xs * np.float32(part.direction[0]) + ys * np.float32(part.direction[1])) / np.float32(part.length)
    across = xs * np.float32(part.side[0]) + ys * np.float32(part.side[1])
    across /= np.interp(along, part.stations, part.widths).astype(np.float32)
    return Patch((slice(y0, y1), slice(x0, x1)), mask.astype(np.float32) / 255, along, across)


def lit(canvas: Canvas, across: np.ndarray, side: np.ndarray) -> np.ndarray:
    """(h, w) brightness of a cylinder whose surface turns towards `side` as `across` goes to 1."""
    bend = np.clip(across, -0.97, 0.97)
    towards = bend * np.float32(canvas.light[:2] @ side) + np.sqrt(1 - bend**2) * np.float32(canvas.light[2])
    return np.float32(canvas.ambient) + np.float32(1.15 - canvas.ambient) * np.clip(towards, 0, None)


def cloth_pixels(cloth: Cloth, patch: Patch, part: Part, unit: float) -> np.ndarray:
    """(h, w, 3) the cloth's color with pattern and folds; `unit` is the length of one unit of scale in pixels."""
    wave = 2 * np.pi / (cloth.period * unit)
    color = np.broadcast_to(cloth.color.astype(np.float32), (*patch.cover.shape, 3))
    if cloth.pattern != "plain":
        waves = []
        if cloth.pattern in ("stripes", "checks"):
            waves.append(np.sin(patch.along * np.float32(part.length * wave)))
        if cloth.pattern in ("pinstripes", "checks"):
            waves.append(np.sin(patch.across * np.float32(part.widths.max() * wave)))
        share = sum(np.clip(w * 2 + 0.5, 0, 1) for w in waves) / len(waves)
        color = color + share[..., None] * (cloth.second - cloth.color).astype(np.float32)
    offset = int(abs(part.start[0] * 37 + part.end[1] * 91))
    noise = folds(*patch.cover.shape, offset)
    return color * (1 + np.float32(cloth.creases) * noise)[..., None]


def folds(height: int, width: int, offset: int = 0) -> np.ndarray:
    """(height, width) float32 smooth noise about 0, within -1 to 1; `offset` chooses another piece of it."""
    rows, columns = (np.arange(offset, offset + length) % TILE for length in (height, width))
    return _fold_tile()[np.ix_(rows, columns)]


@cache
def _fold_tile() -> np.ndarray:
    rng = np.random.default_rng(20171)
    total = np.zeros((TILE, TILE), np.float32)
    for cells, weight in ((64, 0.5), (128, 0.35), (340, 0.25)):
        coarse = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
        total += weight * cv2.resize(coarse, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    return np.clip(total, -1, 1)


def lay(canvas: Canvas, patch: Patch, color: np.ndarray, owner: int, shade: float, soft_start: bool) -> None:
    """Put a patch on the canvas; it darkens the person's parts behind it near its edges.

    Args:
        color: (h, w, 3) the patch's final color.
        shade: how dark that contact shadow is, 0 to 1.
        soft_start: no shadow at the start of the part, as it grows out of its neighbor there.
    """
    behind, owners = canvas.color[patch.box], canvas.owner[patch.box]
    if shade > 0:
        reach = max(3, int(0.25 * min(patch.cover.shape)) | 1)
        shadow = cv2.blur(patch.cover, (reach, reach)) * np.float32(shade) * (owners != 0)
        if soft_start:
            shadow *= np.clip(patch.along * 2.5 - 0.3, 0, 1)
        behind *= 1 - shadow[..., None]
    behind += patch.cover[..., None] * (np.clip(color, 0, 1) - behind)
    owners[patch.cover > 0.5] = owner


def smooth(polygon: np.ndarray, rounds: int = 2) -> np.ndarray:
    """(P, 2) closed polygon with its corners cut `rounds` times (Chaikin's scheme)."""
    for _ in range(rounds):
        following = np.roll(polygon, -1, axis=0)
        polygon = np.stack([0.75 * polygon + 0.25 * following, 0.25 * polygon + 0.75 * following], axis=1)
        polygon = polygon.reshape(-1, 2)
    return polygon


def hue_color(hue: float, saturation: float, value: float) -> np.ndarray:
    """(3,) RGB of a hue (0 to 1 around the color circle), saturation and value, each 0 to 1."""
    wheel = np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    return value * (1 - saturation + saturation * np.clip(wheel, 0, 1))

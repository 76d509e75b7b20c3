"""Painting shaded shapes: a canvas, shapes about an axis, the light on them, and the clothes that cover them.

Every pixel of a shape has two coordinates in it, `along` (0 at the start of its axis, 1 at the end) and `across` (-1
to 1 between its edges). From them follow the surface normal of a cylinder, hence the light, and the cloth's pattern.
Colors are RGB, 0 to 1. What people wear is drawn at random.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np

SUBPIXEL = 4  # OpenCV draws at 1/16 px
TILE = 1024
# Directions in which the two colors of a cloth change: around the part, along it, both.
PATTERNS = {"plain": (), "stripes": ("along",), "pinstripes": ("across",), "checks": ("along", "across")}

SKIN_TONES = np.array([[0.96, 0.80, 0.69], [0.72, 0.50, 0.35], [0.36, 0.23, 0.16]])
HAIR_COLORS = np.array([[0.07, 0.06, 0.06], [0.30, 0.19, 0.11], [0.75, 0.60, 0.35], [0.62, 0.60, 0.58]])


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
    pattern: str = "plain"  # one of PATTERNS
    period: float = 8.0  # units of scale
    creases: float = 0.16  # strength of the folds


@dataclass(frozen=True)
class Look:
    """What one person looks like; lengths as shares of a part."""

    skin: Cloth
    hair: Cloth
    top: Cloth
    sleeve: float  # 0 bare arm, 1 covered to the elbow, 2 to the wrist
    bottom: Cloth
    trouser: float  # as sleeve: 0.5 shorts, 1 to the knee, 2 to the ankle
    shoe: Cloth
    stoutness: float


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
        return axis / norm if (norm := np.hypot(*axis)) > 1e-6 else np.array([0.0, 1.0])

    @cached_property
    def side(self) -> np.ndarray:
        """(2,) unit vector across the axis: to the picture's right for an axis that points down."""
        return np.array([self.direction[1], -self.direction[0]])


@dataclass(frozen=True)
class Patch:
    """The pixels of one part: a box of the canvas, the part's coverage there and its coordinates."""

    box: tuple[slice, slice]
    cover: np.ndarray  # (h, w) 0 to 1
    along: np.ndarray  # (h, w) 0 at the start, 1 at the end of the axis
    across: np.ndarray  # (h, w) -1 to 1 between the edges


def rasterize(canvas: Canvas, part: Part, margin: int = 4) -> Patch:
    """The patch of `part`: one uncovered pixel at least, if it is outside the picture."""
    polygon, ends = part.outline, ()
    if polygon is None:
        centers, arms = part.start + part.stations[:, None] * (part.end - part.start), part.widths[:, None] * part.side
        polygon = np.concatenate([centers + arms, (centers - arms)[::-1]])
        ends = (part.start, part.widths[0]), (part.end, part.widths[-1])
    corners = np.concatenate([polygon, *[[point - r, point + r] for point, r in ends]])
    last = np.array(canvas.owner.shape[::-1]) - 1
    x0, y0 = np.clip(np.floor(corners.min(axis=0)).astype(int) - margin, 0, last)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)).astype(int) + margin, (x0, y0), last) + 1
    mask, fine = np.zeros((y1 - y0, x1 - x0), np.uint8), 1 << SUBPIXEL
    cv2.fillPoly(mask, [np.rint((polygon - (x0, y0)) * fine).astype(np.int32)], 255, cv2.LINE_AA, SUBPIXEL)
    for point, radius in ends:
        center = np.rint((point - (x0, y0)) * fine).astype(int).tolist()
        cv2.circle(mask, center, max(int(radius * fine), 1), 255, -1, cv2.LINE_AA, SUBPIXEL)
    ys, xs = (axis.astype(np.float32) for axis in np.ogrid[y0:y1, x0:x1])
    ys, xs = ys - np.float32(part.start[1]), xs - np.float32(part.start[0])
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
    reach = {"along": part.length, "across": part.widths.max()}
    if waves := [np.sin(getattr(patch, way) * np.float32(reach[way] * wave)) for way in PATTERNS[cloth.pattern]]:
        share = sum(np.clip(w * 2 + 0.5, 0, 1) for w in waves) / len(waves)
        color = color + share[..., None] * (cloth.second - cloth.color).astype(np.float32)
    piece = int(abs(part.start[0] * 37 + part.end[1] * 91))
    creases = _fold_tile()[np.ix_(*(np.arange(piece, piece + side) % TILE for side in patch.cover.shape))]
    return color * (1 + np.float32(cloth.creases) * creases)[..., None]


@cache
def _fold_tile() -> np.ndarray:
    """(TILE, TILE) float32 smooth noise about 0, within -1 to 1: the folds of every cloth are a piece of it."""
    rng, total = np.random.default_rng(20171), np.zeros((TILE, TILE), np.float32)
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
        corners = [0.75 * polygon + 0.25 * following, 0.25 * polygon + 0.75 * following]
        polygon = np.stack(corners, axis=1).reshape(-1, 2)
    return polygon


def hue_color(hue: float, saturation: float, value: float) -> np.ndarray:
    """(3,) RGB of a hue (0 to 1 around the color circle), saturation and value, each 0 to 1."""
    wheel = np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    return value * (1 - saturation + saturation * np.clip(wheel, 0, 1))


def draw_look(rng: np.random.Generator) -> Look:
    """A random person's looks."""
    skin, hair = draw_skin(rng), rng.choice(HAIR_COLORS) * rng.uniform(0.8, 1.2)
    return Look(
        skin=Cloth(skin, skin, creases=0.05),
        hair=Cloth(hair, hair * 1.2, "pinstripes", 3.0, 0.3),
        top=draw_cloth(rng),
        sleeve=rng.choice([0.1, 0.5, 1.3, 2.0], p=[0.15, 0.4, 0.1, 0.35]),
        bottom=draw_cloth(rng, sober=rng.random() < 0.75),
        trouser=rng.choice([0.45, 0.75, 1.4, 2.0], p=[0.15, 0.2, 0.08, 0.57]),
        shoe=draw_cloth(rng, sober=rng.random() < 0.6),
        stoutness=rng.uniform(0.88, 1.18),
    )


def draw_skin(rng: np.random.Generator) -> np.ndarray:
    """(3,) RGB of a random skin, from light to dark."""
    tone = rng.random()
    return np.array([np.interp(tone, np.linspace(0, 1, len(SKIN_TONES)), channel) for channel in SKIN_TONES.T])


def draw_cloth(rng: np.random.Generator, sober: bool = False) -> Cloth:
    """A random cloth; a sober one is grey, black, blue or brown and mostly plain."""
    if sober:
        hue, saturation, value = rng.choice([0.08, 0.6]), rng.uniform(0.0, 0.5), rng.uniform(0.08, 0.6)
    else:
        hue, saturation, value = rng.random(), rng.beta(2, 1.6), rng.uniform(0.2, 0.95)
    second = hue_color(hue + rng.uniform(-0.5, 0.5), saturation * 0.7, 1 - 0.7 * value)
    plain = 0.85 if sober else 0.6
    pattern = rng.choice(list(PATTERNS), p=[plain, *[(1 - plain) / 3] * 3])
    return Cloth(hue_color(hue, saturation, value), second, pattern, rng.uniform(5, 14), rng.uniform(0.1, 0.25))

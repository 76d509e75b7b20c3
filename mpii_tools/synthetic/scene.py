"""What surrounds a synthetic person: textured backgrounds, clutter, things in front, light and camera.

Pictures are (H, W, 3) float32 RGB, 0 to 1; all randomness comes from the generator handed in.
"""

import cv2
import numpy as np

from mpii_tools.synthetic.painting import SUBPIXEL, Canvas, Part, draw_cloth, draw_skin, hue_color, lay, lit, rasterize

OCCLUDER = -1  # in `Canvas.owner`


def new_canvas(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A canvas with a background and a light that comes from above."""
    light = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-0.7, -0.2), rng.uniform(0.5, 0.9)])
    return Canvas(
        color=paint_background(rng, height, width),
        owner=np.zeros((height, width), np.int16),
        light=light / np.linalg.norm(light),
        ambient=float(rng.uniform(0.3, 0.6)),
    )


def noise(rng: np.random.Generator, height: int, width: int, cells: int, stretch: float = 1.0) -> np.ndarray:
    """(height, width) smooth noise of deviation 1 with about `cells` blobs down; `stretch` > 1 makes them upright."""
    shape = (max(2, cells), max(2, round(cells * width / height * stretch)))
    return cv2.resize(rng.standard_normal(shape, dtype=np.float32), (width, height), interpolation=cv2.INTER_CUBIC)


def paint_background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width, 3) a wall or a sky over the ground, both textured, with clutter between them."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    horizon = rng.uniform(0.35, 0.8) * height
    upper = rng.choice(["sky", "foliage", "bricks", "tiles", "plain", "planks"])
    lower = rng.choice(["foliage", "plain"] if upper in ("sky", "foliage") else ["planks", "tiles", "plain"])
    picture = texture(rng, upper, ys, xs)
    # The ground runs away from the viewer: its pattern shrinks towards the horizon.
    distance = 1 / np.maximum((ys - horizon) / height + 0.12, 0.02)
    ground = texture(rng, lower, distance * 60, (xs - width / 2) * distance * 0.25)
    ground *= (0.7 + 0.3 * np.clip((ys - horizon) / (height - horizon), 0, 1))[..., None]
    picture += np.clip(ys - horizon, 0, 1)[..., None] * (ground - picture)
    for _ in range(rng.integers(3, 11)):
        paint_clutter(rng, picture, horizon)
    grain = 0.04 * noise(rng, height, width, 6) + 0.03 * noise(rng, height, width, 40)
    return np.clip(picture * (1 + grain)[..., None], 0, 1)


def texture(rng: np.random.Generator, kind: str, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """(h, w, 3) a surface over the coordinates `ys`, `xs`, in pixels near the viewer."""
    height, width = ys.shape
    if kind == "foliage":
        base = hue_color(rng.uniform(0.17, 0.34), rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.6))
        shade = 1 + 0.16 * noise(rng, height, width, 90, rng.uniform(0.8, 2)) + 0.18 * noise(rng, height, width, 14)
    elif kind == "sky":
        base = hue_color(rng.uniform(0.52, 0.64), rng.uniform(0.05, 0.5), rng.uniform(0.7, 0.98))
        shade = 0.9 + 0.2 * ys / height + 0.1 * np.clip(noise(rng, height, width, 4, 0.5), 0, 1.5)
    else:
        base = hue_color(rng.normal(0.1, 0.25) % 1, 0.7 * rng.beta(1, 3), rng.uniform(0.25, 0.95))
        shade = 1 + rng.uniform(-0.25, 0.25) * (xs - xs.mean()) / np.ptp(xs) + 0.06 * noise(rng, height, width, 8)
        if kind != "plain":
            shade = shade * masonry(rng, kind, ys, xs)
    return (shade[..., None] * base).astype(np.float32)


def masonry(rng: np.random.Generator, kind: str, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """(h, w) brightness of bricks, tiles or planks: every stone its own shade, with joints between them."""
    size = rng.uniform(12, 60)
    tall, wide = {"bricks": (size * 0.45, size), "tiles": (size, size), "planks": (size * 12, size * 0.5)}[kind]
    row = ys // tall
    across = xs / wide + (0.5 * (row % 2) if kind == "bricks" else 0)
    column = across // 1
    stone = rng.uniform(0.82, 1.12, 256).astype(np.float32)[(row * 31 + column * 17).astype(np.int64) % 256]
    joint = (ys / tall - row < 1.6 / tall) | (across - column < 1.6 / wide)
    return stone * np.where(joint, np.float32(rng.choice([0.6, 1.25])), np.float32(1))


def paint_clutter(rng: np.random.Generator, picture: np.ndarray, horizon: float) -> None:
    """One thing in the background: a box, or a bar as thick and often as colored as a limb.

    Args:
        horizon: y of the far edge of the ground, on which things stand.
    """
    height, width = picture.shape[:2]
    x = rng.uniform(0, width)
    if rng.random() < 0.5:
        foot = rng.uniform(horizon, min(horizon + 0.3 * height, height))
        wide, tall = rng.uniform(20, 120), rng.uniform(30, 160)
        paint_box(picture, x, foot - tall, wide, tall, draw_cloth(rng, sober=rng.random() < 0.6).color)
    else:
        color = draw_skin(rng) if rng.random() < 0.5 else draw_cloth(rng).color
        angle, start = rng.uniform(0, np.pi), np.array([x, rng.uniform(0.1, 1) * height])
        end = start + rng.uniform(20, 140) * np.array([np.cos(angle), np.sin(angle)])
        paint_bar(picture, np.stack([start, end]), rng.uniform(2.5, 11), color)


def paint_box(picture: np.ndarray, x: float, y: float, wide: float, tall: float, color: np.ndarray) -> None:
    """A box with its top left corner at (x, y), and a darker right flank."""
    for left, shade in ((x, 1.0), (x + 0.7 * wide, 0.65)):
        corners = np.array([[left, y], [x + wide, y], [x + wide, y + tall], [left, y + tall]]) * (1 << SUBPIXEL)
        cv2.fillPoly(picture, [np.rint(corners).astype(np.int32)], (color * shade).tolist(), cv2.LINE_AA, SUBPIXEL)


def paint_bar(picture: np.ndarray, ends: np.ndarray, radius: float, color: np.ndarray) -> None:
    """A shaded round bar between two points (2, 2)."""
    canvas = Canvas(picture, np.zeros(picture.shape[:2], np.int16), np.array([0.3, -0.4, 0.87]), ambient=0.45)
    part = Part(ends[0], ends[1], np.array([0.0, 1.0]), np.full(2, radius))
    patch = rasterize(canvas, part)
    lay(canvas, patch, color * lit(canvas, patch.across, part.side)[..., None], OCCLUDER, 0.0, False)


def paint_shadow(canvas: Canvas, joints: np.ndarray, unit: float) -> None:
    """A soft shadow on the ground under a person.

    Args:
        joints: (16, 2) image pixels.
        unit: image pixels per unit of scale.
    """
    height, width = canvas.owner.shape
    x, y = joints[:, 0].mean(), joints[:, 1].max() + 4 * unit
    (ys, xs), reach = np.ogrid[0:height, 0:width], 0.5 * np.ptp(joints[:, 0]) + 14 * unit
    square = ((xs - x) / reach) ** 2 + ((ys - y) / (0.28 * reach)) ** 2
    canvas.color *= (1 - 0.5 * np.exp(-square.astype(np.float32)))[..., None]


def paint_occluder(rng: np.random.Generator, canvas: Canvas, around: np.ndarray, unit: float) -> None:
    """Something between the person and the camera: a box or a bar over the point `around` (2,), image pixels.

    Every pixel it changes gets the owner OCCLUDER. `unit` is the person's, so that the thing hides a part of them.
    """
    before = canvas.color.copy()
    color, (x, y) = draw_cloth(rng).color, around + rng.normal(scale=4 * unit, size=2)
    if rng.random() < 0.5:
        wide, tall = rng.uniform(25, 90) * unit, rng.uniform(20, 60) * unit
        paint_box(canvas.color, x - rng.uniform(0.1, 0.9) * wide, y - 0.3 * tall, wide, tall, color)
    else:
        angle = rng.choice([0, np.pi / 2]) + rng.normal(scale=0.15)
        arm = rng.uniform(20, 110) * unit * np.array([[np.cos(angle), np.sin(angle)]])
        paint_bar(canvas.color, (x, y) + arm * [[-1], [1]], rng.uniform(3, 8) * unit, color)
    canvas.owner[(canvas.color != before).any(axis=-1)] = OCCLUDER


def photograph(rng: np.random.Generator, color: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 BGR, as OpenCV writes it: uneven light, a color cast, blur and the noise of a camera."""
    height, width = color.shape[:2]
    down, right = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    gradient = 1 + rng.uniform(-0.2, 0.2) * right + rng.uniform(-0.2, 0.2) * down
    cast = rng.uniform(0.8, 1.2) * rng.uniform(0.9, 1.1, 3)
    picture = color * gradient[..., None].astype(np.float32) * cast.astype(np.float32)
    blur = rng.uniform(0, 1.1)
    if blur > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture += np.float32(rng.uniform(0, 0.035)) * rng.standard_normal((height, width, 1), dtype=np.float32)
    return cv2.convertScaleAbs(np.clip(picture, 0, 1)[..., ::-1], alpha=255)

"""What synthetic people look like: skin, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpii_tools.synthetic.painting import Cloth, hue_color

SKIN_TONES = np.array([[0.96, 0.80, 0.69], [0.72, 0.50, 0.35], [0.36, 0.23, 0.16]])
HAIR_COLORS = np.array([[0.07, 0.06, 0.06], [0.30, 0.19, 0.11], [0.75, 0.60, 0.35], [0.62, 0.60, 0.58]])


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
    tone, places = rng.random(), np.linspace(0, 1, len(SKIN_TONES))
    return np.array([np.interp(tone, places, channel) for channel in SKIN_TONES.T])


def draw_cloth(rng: np.random.Generator, sober: bool = False) -> Cloth:
    """A random cloth; a sober one is grey, black, blue or brown and mostly plain."""
    if sober:
        hue, saturation, value = rng.choice([0.08, 0.6]), rng.uniform(0.0, 0.5), rng.uniform(0.08, 0.6)
    else:
        hue, saturation, value = rng.random(), rng.beta(2, 1.6), rng.uniform(0.2, 0.95)
    second = hue_color(hue + rng.uniform(-0.5, 0.5), saturation * 0.7, 1 - 0.7 * value)
    plain = 0.85 if sober else 0.6
    pattern = rng.choice(["plain", "stripes", "pinstripes", "checks"], p=[plain, *[(1 - plain) / 3] * 3])
    return Cloth(hue_color(hue, saturation, value), second, pattern, rng.uniform(5, 14), rng.uniform(0.1, 0.25))

"""What synthetic people look like: skin, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpii_tools.synthetic.painting import Cloth, hue_color

SKIN_TONES = np.array(
    [
        [0.96, 0.80, 0.69],
        [0.91, 0.72, 0.58],
        [0.85, 0.64, 0.48],
        [0.72, 0.50, 0.35],
        [0.53, 0.35, 0.24],
        [0.36, 0.23, 0.16],
    ]
)
HAIR_COLORS = np.array(
    [
        [0.07, 0.06, 0.06],
        [0.15, 0.10, 0.07],
        [0.30, 0.19, 0.11],
        [0.46, 0.30, 0.16],
        [0.75, 0.60, 0.35],
        [0.62, 0.60, 0.58],
    ]
)


@dataclass(frozen=True)
class Look:
    """What one person looks like; lengths as shares of a part, colors RGB 0 to 1."""

    skin: Cloth
    hair: np.ndarray
    hair_style: str  # short, long, bald, cap
    beard: bool
    top: Cloth
    jacket: bool  # a strip of the second color down the front
    emblem: bool  # a mark on the chest
    sleeve: float  # 0 bare arm, 1 covered to the elbow, 2 to the wrist
    bottom: Cloth
    trouser: float  # as sleeve: 0.5 shorts, 1 to the knee, 2 to the ankle
    skirt: bool
    shoe: Cloth
    stoutness: float
    waist: float  # where the top ends on the trunk, 0 shoulders to 1 hips


def draw_look(rng: np.random.Generator) -> Look:
    """A random person's looks: skin, hair and clothes in the mixtures one meets in the street and in sport."""
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low = int(tone)
    skin = SKIN_TONES[low] + (tone - low) * (SKIN_TONES[min(low + 1, len(SKIN_TONES) - 1)] - SKIN_TONES[low])
    hair = HAIR_COLORS[rng.choice(len(HAIR_COLORS) - (2 if tone > 3 else 0))] * rng.uniform(0.8, 1.2)
    top, bottom = draw_cloth(rng), draw_cloth(rng, sober=rng.random() < 0.75)
    female = rng.random() < 0.45
    return Look(
        skin=Cloth(skin, skin * 0.8, creases=0.05),
        hair=hair,
        hair_style=rng.choice(["short", "long", "cap"], p=[0.2, 0.7, 0.1])
        if female
        else rng.choice(["short", "long", "bald", "cap"], p=[0.68, 0.05, 0.1, 0.17]),
        beard=not female and rng.random() < 0.3,
        top=top,
        jacket=rng.random() < 0.25,
        emblem=rng.random() < 0.35,
        sleeve=rng.choice([0.1, 0.45, 0.6, 1.3, 2.0], p=[0.15, 0.25, 0.15, 0.1, 0.35]),
        bottom=bottom,
        trouser=rng.choice([0.45, 0.75, 1.4, 2.0], p=[0.15, 0.2, 0.08, 0.57]),
        skirt=female and rng.random() < 0.3,
        shoe=draw_cloth(rng, sober=rng.random() < 0.6),
        stoutness=rng.uniform(0.88, 1.18),
        waist=rng.uniform(0.72, 0.95),
    )


def draw_cloth(rng: np.random.Generator, sober: bool = False) -> Cloth:
    """A random cloth; a sober one is grey, black, blue or brown and mostly plain."""
    if sober:
        hue, saturation, value = rng.choice([0.08, 0.6, 0.63]), rng.uniform(0.0, 0.5), rng.uniform(0.08, 0.6)
    else:
        hue, saturation, value = rng.random(), rng.beta(2, 1.6), rng.uniform(0.25, 0.95)
        if rng.random() < 0.3:
            saturation, value = saturation * 0.12, rng.choice([0.1, 0.45, 0.95])
    second = hue_color(hue + rng.uniform(-0.5, 0.5), saturation * 0.7, 1 - 0.7 * value)
    plain = 0.85 if sober else 0.6
    pattern = rng.choice(["plain", "stripes", "pinstripes", "checks"], p=[plain, *[(1 - plain) / 3] * 3])
    return Cloth(hue_color(hue, saturation, value), second, pattern, rng.uniform(5, 14), rng.uniform(0.1, 0.25))

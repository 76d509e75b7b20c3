"""The One-Euro filter of poses in a video (Casiez, Roussel and Vogel, CHI 2012): steady at rest, prompt in motion."""

from collections.abc import Hashable, Sequence

import numpy as np

REST = 1.0  # Hz: the cutoff for a joint at rest; the lower, the less jitter and the more lag
SPEED = 12.0  # Hz more for each person's size per second
DERIVATIVE = 1.0  # Hz: the cutoff for the speed itself
FORGOTTEN = 1.0  # seconds without a person after which the filter starts anew


class PoseSmoother:
    """Called frame by frame with everybody's joints; keeps each person's filter by their identity."""

    def __init__(self) -> None:
        self.state: dict[Hashable, tuple[float, np.ndarray, np.ndarray]] = {}  # time, joints, their speed per size

    def __call__(self, joints: np.ndarray, people: Sequence[Hashable], time: float) -> np.ndarray:
        """The smoothed joints of a frame.

        Args:
            joints: (P, K, D) image pixels, z in mm; a NaN joint stays one, and starts anew when it comes back.
            people: P identities.
            time: of the frame in seconds, above that of the frame before.
        """
        smoothed = [self._smooth(pose, person, time) for pose, person in zip(joints, people, strict=True)]
        return np.reshape(smoothed, joints.shape)

    def _smooth(self, pose: np.ndarray, person: Hashable, time: float) -> np.ndarray:
        before = self.state.get(person)
        if before is None or not 0 < time - before[0] <= FORGOTTEN:
            self.state[person] = time, pose, np.zeros_like(pose)
            return pose
        step, (_, last, rate) = time - before[0], before
        size = max(1e-6, float(np.nanmax(np.nanmax(pose[:, :2], axis=0) - np.nanmin(pose[:, :2], axis=0))))
        moved = np.where(np.isfinite(last), (pose - last) / step / size, 0.0)
        rate = rate + weight(step, DERIVATIVE) * (np.nan_to_num(moved) - rate)
        # One cutoff for a joint: x, y and z move together.
        fast = np.linalg.norm(rate[:, :2], axis=1, keepdims=True)
        smoothed = last + weight(step, REST + SPEED * fast) * (pose - last)
        smoothed = np.where(np.isfinite(smoothed), smoothed, pose)
        self.state[person] = time, smoothed, rate
        return smoothed


def weight(step: float, cutoff: float | np.ndarray) -> float | np.ndarray:
    """The share of a new value that a low-pass filter takes after `step` seconds, of a cutoff in Hz."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))

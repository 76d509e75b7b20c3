"""The device that a network runs on."""

import os

import torch

from checkpoints import PoseError


def choose_device(name: str | None = None) -> torch.device:
    """The device called `name`, else this process's GPU, else the CPU. Raises PoseError if it cannot be used."""
    if name is not None:
        try:
            torch.zeros(1, device=name).item()  # which `meta`, where there are no numbers, refuses
            return torch.device(name)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).split("\n")[0]
            raise PoseError(f"--device {name}: cannot be used ({reason}); choose cpu, or leave it out") from error
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")

"""What the commands do, as functions with plain arguments, one module each; `train` is here too.

from ief.workflow import train
train("runs/all", data="data/mpii", preset="best", epochs=20.0)
"""

from ief.workflow.train import train

__all__ = ["train"]

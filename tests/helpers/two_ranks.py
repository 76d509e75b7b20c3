"""Metrics of torchmetrics fed on two ranks: each case's batches, split between them."""

import torch
from torch.distributed import destroy_process_group, init_process_group

from evaluation.metrics import torchmetrics


def compute_on_rank(rank: int, folder: str, cases: dict[str, tuple]) -> None:
    """Rank 0 saves what each metric computes of both ranks' batches to `folder`.

    Args:
        cases: name -> class, its options, and a list of batches for each rank.
    """
    init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    values = {}
    for name, (kind, options, *batches) in cases.items():
        metric = getattr(torchmetrics, kind)(**options)
        for batch in batches[rank]:
            metric.update(*batch)
        values[name] = metric.compute()
    if rank == 0:
        torch.save(values, f"{folder}/values.pt")
    destroy_process_group()

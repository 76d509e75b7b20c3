"""Keeping freed memory within the process."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Ask the C library to keep large freed blocks for the next allocation; does nothing where it is not glibc.

    By default a tensor above 32 MB comes fresh from the kernel and goes back to it, page by page: on a CPU that is
    a third of a ResNet-50's forward at batch 32. The price is a peak of memory that is held until the end.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, -1)  # never

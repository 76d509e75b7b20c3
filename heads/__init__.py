"""Skeleton, bones, pairs, normalization and losses: the paper's Section 3, in torch alone."""

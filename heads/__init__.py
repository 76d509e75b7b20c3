"""Skeleton, bones, pairs, normalization and losses: the paper's Sections 3.1 to 3.3, in torch alone."""

"""Heatmaps at full size: the oracle for what the stages compute from the Gaussians' 1-D factors."""

from ief.model.heatmaps import gaussian_factors


def render_heatmaps(joints, size, sigma):
    """(B, K, 2) joints in crop pixels -> (B, K, size, size) Gaussians with peak 1, zero beyond 4 sigma of dx or dy."""
    columns, rows = gaussian_factors(joints, size, sigma).unbind(dim=-2)
    return rows.unsqueeze(-1) * columns.unsqueeze(-2)

"""PCKh, joint and bone error with confidence intervals."""

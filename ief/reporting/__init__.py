"""From finished runs to scores, pictures and the report."""

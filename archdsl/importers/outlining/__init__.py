"""Templates found in an imported graph: repeated parts, their parameters and names."""

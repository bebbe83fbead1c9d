"""Readers of a network: shapes, costs, lint, equivalence, differences. None needs torch."""

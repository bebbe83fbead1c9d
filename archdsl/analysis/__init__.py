"""Readers of a network: shapes, costs, advice, equivalence, differences. None needs torch."""

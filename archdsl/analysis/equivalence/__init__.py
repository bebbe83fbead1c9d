"""Isomorphism of canonical graphs: two networks as labelled graphs, matched node by node."""

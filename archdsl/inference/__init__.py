"""Inference on photographs with a compiled network, for ``archdsl detect``."""

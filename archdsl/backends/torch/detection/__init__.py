"""Modules of compiled detectors: images in; detections out, or losses in training.

The numbers come from torchvision: the modules here hold its operators and call them with the values
that flow through the network (:mod:`archdsl.backends.torch.detection.values`).
"""

"""What compiled detectors run: images in, detections out, losses while they train.

The numbers come from torchvision: the modules here hold its operators and call them with the values
that flow through the network (:mod:`archdsl.backends.torch.detection.values`).
"""

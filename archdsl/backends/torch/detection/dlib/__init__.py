"""dlib's detectors: image pyramids, loss_mmod and loss_yolo.

dlib's boxes are pixels from left to right, the last one included; in targets and results a box ends
where its last pixel ends, so x2 = right + 1 and y2 = bottom + 1.
"""

from archdsl.backends.torch.detection.dlib.configured import Configured
from archdsl.backends.torch.detection.dlib.mmod import Mmod
from archdsl.backends.torch.detection.dlib.pyramid import PyramidInput
from archdsl.backends.torch.detection.dlib.yolo import Yolo

__all__ = ["Configured", "Mmod", "PyramidInput", "Yolo"]

"""Scales from sizes to lengths: gentle powers, so that small and large are both visible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.viz.volumes.figure import Form, VolumeFigure

_POWERS = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
_FACES, _CHANNELS = 8.0, 11.0
"""Largest ratios of two faces' sides and of two depths in a figure."""
_DEPTH = 0.42
"""The length of most channels, of that of the largest face."""
_ACROSS, _ALONG = 0.40, 0.26
"""Shift of one pixel of depth into the distance: to the right, and upwards."""
LEAST_DEPTH = 2.5
"""Pixels that everything is deep at least, or it would be a line."""
_BAR = 10.0
"""Thickness of a bar, in pixels; only its length has a meaning."""


class Cuboid(NamedTuple):
    """Lengths in pixels; ``dx`` and ``dy`` are how far its back is off its front."""

    depth: float
    height: float
    dx: float
    dy: float

    @property
    def whole_height(self) -> float:
        return self.height + self.dy


@dataclass(frozen=True)
class VolumeScale:
    """A length is a factor times a power of a size; with the power 0 times its logarithm."""

    face: float
    face_power: float
    channel: float
    channel_power: float

    def side(self, size: float) -> float:
        """Pixels for a height or a width."""
        return self.face * _grown(size, self.face_power)

    def length(self, channels: int) -> float:
        """Pixels for a depth or the length of a bar."""
        return max(self.channel * _grown(channels, self.channel_power), LEAST_DEPTH)

    def cuboid(self, form: Form, face: tuple[int, int], channels: int) -> Cuboid:
        if form is Form.BAR:
            return Cuboid(_BAR, self.length(channels), _BAR * _ACROSS, _BAR * _ALONG)
        width = self.side(face[1])
        return Cuboid(self.length(channels), self.side(face[0]), width * _ACROSS, width * _ALONG)

    def words(self) -> str:
        """The scale in words, for a caption."""
        return (
            f"Heights and widths {_words('pixels', self.face_power)}, "
            f"depths and lengths of bars {_words('channels', self.channel_power)}."
        )


SCALES = {"linear": 1.0, "sqrt": 0.5, "log": 0.0}
"""The powers of scales by name."""


def scale_of(figure: VolumeFigure, largest: float, name: str | None = None) -> VolumeScale:
    """The scale on which the largest face is ``largest`` pixels high or wide.

    Without one of the names of :data:`SCALES` it is the steepest on which small and large are both
    seen.
    """
    sides = [side for v in figure.volumes if v.form is not Form.BAR for side in v.face]
    sides = sides or [1]
    channels = [v.channels for v in figure.volumes if v.form is not Form.PLANE] or [1]
    if name is None:
        face_power = _power(max(sides) / min(sides), _FACES)
        channel_power = _power(max(channels) / min(channels), _CHANNELS)
    else:
        face_power = channel_power = SCALES[name]
    return VolumeScale(
        largest / _grown(max(sides), face_power),
        face_power,
        _DEPTH * largest / _grown(max(channels), channel_power),
        channel_power,
    )


def _grown(size: float, power: float) -> float:
    return math.log2(1 + size) if power == 0 else math.pow(size, power)


def _power(ratio: float, most: float) -> float:
    """The largest power that leaves no more than ``most`` of a ratio, or the smallest there is."""
    return next((power for power in _POWERS if ratio**power <= most), _POWERS[-1])


def _words(what: str, power: float) -> str:
    if power == 1:
        return f"are proportional to {what}"
    if power == 0:
        return f"grow with the logarithm of {what}"
    if power == 0.5:
        return f"grow with the square root of {what}"
    return f"grow with {what} to the power {power:g}"

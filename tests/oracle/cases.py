"""The networks that dlib has been asked about: what it is given, and what archdsl is given.

A case's ``text`` is valid C++ for dlib and valid for archdsl. Where dlib uses another type than it
trains (``affine`` for batch normalisation, ``multiply`` for dropout) ``text`` is what archdsl reads,
``trained`` and ``used`` are derived from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True)
class Case:
    """One network and the size of what it is run on."""

    name: str
    text: str
    """A bare network, or definitions with ``net_type`` at the end."""
    size: tuple[int, int, int]
    """Channels, rows and columns of a sample, for inputs that leave them open."""
    batch: int = 2
    norm: str = "bn_con"
    """What ``affine`` was while it was trained."""
    tokens: int = 10
    """Integers of the input are below this."""
    xml: bool = False
    """Whether dlib's XML is kept as well."""
    seed: int = 0

    @property
    def trained(self) -> str:
        """The network that gets its parameters and statistics: dlib's type for training."""
        return re.sub(r"\baffine\b", self.norm, self.text)

    @property
    def used(self) -> str:
        """The network that is run: dlib's type for use."""
        return re.sub(r"\bdropout(_10|_rate<\d+,)?(?!\w)(?P<open><?)", _as_multiply, self.text)

    @property
    def statistics(self) -> bool:
        """Whether running means and variances have to be learned first."""
        return "bn_" in self.trained


def _as_multiply(found: re.Match[str]) -> str:
    rate = found.group(1) or ""
    return "multiply<" if rate.startswith("_rate") else "multiply" + found.group("open")


_SEEDS = count(1)


def _case(name: str, text: str, *size: int, **more: object) -> Case:
    assert len(size) == 3
    return Case(name, text, size, seed=next(_SEEDS), **more)  # type: ignore[arg-type]


_FEATURES = "input<std::array<matrix<float>,3>>"

CASES = (
    # ---- inputs ----
    _case("input_float", "relu<input<matrix<float>>>", 1, 5, 6),
    _case("input_planes", f"relu<{_FEATURES}>", 3, 4, 5),
    _case("input_uchar", "sig<input<matrix<unsigned char>>>", 1, 4, 5),
    _case("input_rgb", "htan<input<matrix<rgb_pixel>>>", 3, 4, 3),
    _case("input_sizes", "relu<input<matrix<float,4,3>>>", 1, 4, 3),
    _case("input_array2d", "relu<input<array2d<unsigned char>>>", 1, 4, 3),
    _case("input_rgb_image", "fc<2,input_rgb_image>", 3, 5, 4),
    _case("input_rgb_image_sized", "fc<3,input_rgb_image_sized<4,5>>", 3, 4, 5),
    _case("input_pair", "con<2,2,2,1,1,input_rgb_image_pair>", 3, 4, 4, batch=2),
    _case("input_tensor", "con<3,1,1,1,1,input_tensor>", 2, 4, 5),
    # ---- convolution ----
    _case("con_same", f"con<4,3,3,1,1,{_FEATURES}>", 3, 6, 7, xml=True),
    _case("con_even", f"con<2,4,2,1,1,{_FEATURES}>", 3, 6, 7),
    _case("con_strided", f"con<4,3,5,2,3,{_FEATURES}>", 3, 9, 8),
    _case("con_full", f"con<4,0,0,1,1,{_FEATURES}>", 3, 4, 5),
    _case("con_padded", f"add_layer<con_<4,3,3,2,2,1,0>,{_FEATURES}>", 3, 8, 7),
    _case("con_after_fc", f"con<3,1,1,1,1,fc<5,{_FEATURES}>>", 3, 4, 3),
    _case("cont", f"cont<4,3,3,2,2,{_FEATURES}>", 3, 4, 5),
    _case("cont_same", f"cont<2,3,3,1,1,{_FEATURES}>", 3, 4, 5),
    _case("cont_padded", f"add_layer<cont_<2,4,4,2,2,1,1>,{_FEATURES}>", 3, 3, 4),
    # ---- pooling ----
    _case("max_pool", f"max_pool<3,3,2,2,{_FEATURES}>", 3, 8, 9),
    _case("max_pool_same", f"max_pool<3,2,1,1,{_FEATURES}>", 3, 5, 6),
    _case("max_pool_padded", f"add_layer<max_pool_<3,3,2,2,1,2>,{_FEATURES}>", 3, 8, 7),
    _case("max_pool_everything", f"max_pool_everything<{_FEATURES}>", 3, 5, 6),
    _case("avg_pool", f"avg_pool<3,3,2,2,{_FEATURES}>", 3, 8, 9),
    _case("avg_pool_same", f"avg_pool<3,2,1,1,{_FEATURES}>", 3, 5, 6),
    _case("avg_pool_padded", f"add_layer<avg_pool_<3,3,2,2,1,2>,{_FEATURES}>", 3, 8, 7),
    _case("avg_pool_everything", f"avg_pool_everything<{_FEATURES}>", 3, 5, 6),
    # ---- fully connected ----
    _case("fc", f"fc<4,relu<fc<5,{_FEATURES}>>>", 3, 3, 4, xml=True),
    _case("fc_no_bias", f"fc_no_bias<4,{_FEATURES}>", 3, 3, 4),
    # ---- normalisation ----
    _case("bn_con", f"relu<bn_con<con<4,3,3,1,1,{_FEATURES}>>>", 3, 5, 5, batch=1),
    _case("bn_con_affine", f"relu<affine<con<4,3,3,1,1,{_FEATURES}>>>", 3, 5, 5, batch=3),
    _case("bn_fc", f"relu<bn_fc<fc<4,{_FEATURES}>>>", 3, 3, 4, batch=1),
    _case("bn_fc_affine", f"relu<affine<fc<4,{_FEATURES}>>>", 3, 3, 4, norm="bn_fc"),
    # ---- networks ----
    _case(
        "lenet",
        "loss_multiclass_log<fc<4,relu<fc<6,relu<fc<8,max_pool<2,2,2,2,relu<con<4,5,5,1,1,"
        "max_pool<2,2,2,2,relu<con<3,5,5,1,1,input<matrix<unsigned char>>>>>>>>>>>>>>",
        1,
        16,
        16,
        xml=True,
    ),
    _case(
        "resnet",
        """
        template <template <int,template<typename>class,int,typename> class block, int N,
                  template<typename>class BN, typename SUBNET>
        using residual = add_prev1<block<N,BN,1,tag1<SUBNET>>>;
        template <template <int,template<typename>class,int,typename> class block, int N,
                  template<typename>class BN, typename SUBNET>
        using residual_down = add_prev2<avg_pool<2,2,2,2,skip1<tag2<block<N,BN,2,tag1<SUBNET>>>>>>;
        template <int N, template <typename> class BN, int stride, typename SUBNET>
        using block = BN<con<N,3,3,1,1,relu<BN<con<N,3,3,stride,stride,SUBNET>>>>>;
        template <int N, typename SUBNET> using ares = relu<residual<block,N,affine,SUBNET>>;
        template <int N, typename SUBNET>
        using ares_down = relu<residual_down<block,N,affine,SUBNET>>;
        template <typename SUBNET> using level = ares<4,SUBNET>;
        using net_type = loss_multiclass_log<fc<3,avg_pool_everything<
            ares_down<6,repeat<2,level,max_pool<3,3,2,2,relu<affine<con<4,3,3,2,2,
            input_rgb_image_sized<21>>>>>>>>>>;
        """,
        3,
        21,
        21,
        xml=True,
    ),
)

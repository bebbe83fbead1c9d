"""The networks that dlib has been asked about: what it is given, and what archdsl is given.

A case's ``text`` is valid C++ for dlib and valid for archdsl. dlib trains one type of network and
uses another (``affine`` for batch normalisation, ``multiply`` for dropout): ``text`` is what
archdsl reads, and the two types are derived from it.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass


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

    @property
    def seed(self) -> int:
        """Where the case's numbers start; other cases do not change it."""
        return zlib.crc32(self.name.encode())

    @property
    def trained(self) -> str:
        """The network that gets its parameters and statistics: dlib's type for training."""
        return re.sub(r"\baffine\b(<per_value=true,)?", self._norm, self.text)

    def _norm(self, found: re.Match[str]) -> str:
        return self.norm + ("<" if found.group(1) else "")

    @property
    def used(self) -> str:
        """The network that is run: dlib's type for use."""
        text = self.text.replace("affine<per_value=true,", "affine<")
        return re.sub(r"\bdropout(_10<|_rate<\d+,|<)", "multiply<", text)

    @property
    def statistics(self) -> bool:
        """Whether running means and variances have to be learned first."""
        return "bn_" in self.trained


def _case(name: str, text: str, *size: int, **more: object) -> Case:
    assert len(size) == 3
    return Case(name, text, size, **more)  # type: ignore[arg-type]


_FEATURES = "input<std::array<matrix<float>,3>>"

_ACTIVATIONS = (
    "relu",
    "prelu",
    "leaky_relu",
    "sig",
    "mish",
    "htan",
    "clipped_relu",
    "elu",
    "gelu",
    "smelu",
    "silu",
    "softmax",
    "softmaxm",
    "softmax_all",
)

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
    _case(
        "bn_fc_map_affine",
        f"affine<per_value=true,con<2,1,1,1,1,{_FEATURES}>>",
        3,
        2,
        3,
        norm="bn_fc",
    ),
    _case("bn_fc_map", f"bn_fc<con<2,1,1,1,1,{_FEATURES}>>", 3, 2, 3, batch=1),
    _case("layer_norm", f"layer_norm<{_FEATURES}>", 3, 4, 5),
    _case("layer_norm_fc", f"layer_norm<fc<5,{_FEATURES}>>", 3, 4, 5),
    _case("rms_norm", f"rms_norm<{_FEATURES}>", 3, 4, 5),
    _case("rms_norm_fc", f"rms_norm<fc<5,{_FEATURES}>>", 3, 4, 5),
    _case("l2normalize", f"l2normalize<{_FEATURES}>", 3, 4, 5),
    # ---- sizes ----
    _case("upsample", f"upsample<3,{_FEATURES}>", 3, 3, 4),
    _case("upsample_axes", f"add_layer<upsample_<2,3>,{_FEATURES}>", 3, 3, 4),
    _case("resize_to", f"resize_to<7,4,{_FEATURES}>", 3, 3, 6),
    _case("resize_to_row", f"resize_to<3,4,fc<2,{_FEATURES}>>", 3, 3, 3),
    _case(
        "resize_prev_to_tagged",
        f"resize_prev_to_tagged<tag2,con<2,3,3,2,2,tag2<{_FEATURES}>>>",
        3,
        7,
        6,
    ),
    _case(
        "resize_prev_to_tagged_enlarged",
        f"resize_prev_to_tagged<tag3,upsample<2,tag3<{_FEATURES}>>>",
        3,
        4,
        3,
    ),
    _case("reshape_to", f"reshape_to<2,9,2,{_FEATURES}>", 3, 4, 3),
    _case("reshape_to_kept", f"reshape_to<-1,6,2,{_FEATURES}>", 3, 4, 3),
    _case("reshape_to_resized", f"reshape_to<-1,6,5,{_FEATURES}>", 3, 4, 3),
    _case("reshape_to_row", f"con<2,3,3,1,1,reshape_to<2,3,4,fc<24,{_FEATURES}>>>", 3, 2, 2),
    _case("flatten", f"con<4,1,1,1,1,flatten<3,4,2,{_FEATURES}>>", 3, 4, 2),
    _case("extract", f"extract<5,2,3,2,{_FEATURES}>", 3, 4, 3),
    _case("extract_row", f"avg_pool<2,2,2,2,extract<3,2,2,4,fc<20,{_FEATURES}>>>", 3, 2, 2),
    _case("slice", f"slice<1,0,2,2,3,1,{_FEATURES}>", 3, 4, 5),
    _case("reorg", f"reorg<{_FEATURES}>", 3, 4, 6),
    _case("reorg_axes", f"add_layer<reorg_<1,3>,{_FEATURES}>", 3, 4, 6),
    _case("transpose", f"transpose<{_FEATURES}>", 3, 4, 6),
    # ---- joins ----
    _case("add_prev", f"add_prev1<con<3,3,3,1,1,tag1<{_FEATURES}>>>", 3, 4, 5),
    _case("add_prev_unequal", f"add_prev<tag1,con<4,3,2,1,2,tag1<{_FEATURES}>>>", 3, 5, 4),
    _case("add_prev_row", f"add_prev1<fc<5,tag1<{_FEATURES}>>>", 3, 3, 2),
    _case("mult_prev", f"mult_prev4<sig<con<3,3,3,1,1,tag4<{_FEATURES}>>>>", 3, 4, 5),
    _case("mult_prev_unequal", f"mult_prev<tag1,con<4,3,2,1,2,tag1<{_FEATURES}>>>", 3, 5, 4),
    _case("mult_prev_row", f"mult_prev1<fc<5,tag1<{_FEATURES}>>>", 3, 3, 2),
    _case("multm_prev", f"multm_prev1<transpose<tag1<{_FEATURES}>>>", 3, 4, 2),
    _case("scale", f"scale<tag1,sig<fc<3,tag1<{_FEATURES}>>>>", 3, 4, 5),
    _case("scale5", f"scale5<con<3,1,1,1,1,avg_pool_everything<tag5<{_FEATURES}>>>>", 3, 4, 5),
    _case("scale_prev", f"scale_prev2<skip1<tag2<sig<fc<3,tag1<{_FEATURES}>>>>>>", 3, 4, 5),
    _case(
        "concat2",
        f"concat2<tag1,tag2,tag2<con<2,3,3,1,1,tag1<{_FEATURES}>>>>",
        3,
        4,
        5,
    ),
    _case(
        "concat3",
        f"concat3<tag3,tag1,tag2,tag3<relu<skip1<tag2<con<2,3,3,1,1,tag1<{_FEATURES}>>>>>>>",
        3,
        4,
        5,
    ),
    _case("concat_rows", f"concat2<tag1,tag2,tag2<fc<3,tag1<fc<2,{_FEATURES}>>>>>", 3, 2, 2),
    _case(
        "concat_row_and_map",
        f"concat2<tag1,tag2,tag2<fc<3,tag1<avg_pool_everything<{_FEATURES}>>>>>",
        3,
        2,
        2,
    ),
    *(
        _case(
            f"inception{branches}",
            f"""
            template <typename SUBNET> using a = relu<con<2,1,1,1,1,SUBNET>>;
            template <typename SUBNET> using b = con<1,3,3,1,1,SUBNET>;
            template <typename SUBNET> using c = max_pool<3,3,1,1,SUBNET>;
            template <typename SUBNET> using d = con<2,3,1,1,1,relu<con<3,1,1,1,1,SUBNET>>>;
            template <typename SUBNET> using e = avg_pool<3,3,1,1,SUBNET>;
            using net_type = inception{branches}<{",".join("abcde"[:branches])},{_FEATURES}>;
            """,
            3,
            4,
            5,
        )
        for branches in (2, 3, 4, 5)
    ),
    _case(
        "inception_tags",
        f"concat2<itag1,itag2,itag1<con<2,1,1,1,1,iskip<itag2<con<1,3,3,1,1,itag0<{_FEATURES}>>>>>>>",
        3,
        4,
        5,
    ),
    _case(
        "tags",
        f"""
        template <typename SUBNET> using mine = add_tag_layer<57,SUBNET>;
        template <typename SUBNET> using back = add_skip_layer<mine,SUBNET>;
        using net_type = add_prev<mine,relu<back<con<3,3,3,1,1,mine<sig<{_FEATURES}>>>>>>;
        """,
        3,
        4,
        5,
    ),
    _case(
        "repeat",
        f"""
        template <typename SUBNET> using unit = add_prev1<relu<con<3,3,3,1,1,tag1<SUBNET>>>>;
        using net_type = repeat<3,unit,con<3,1,1,1,1,{_FEATURES}>>;
        """,
        3,
        4,
        5,
        xml=True,
    ),
    # ---- activations ----
    *(_case(kind, f"{kind}<con<4,3,3,1,1,{_FEATURES}>>", 3, 4, 5) for kind in _ACTIVATIONS),
    _case("softmax_row", f"softmax<fc<5,{_FEATURES}>>", 3, 2, 2),
    _case("softmaxm_row", f"softmaxm<fc<5,{_FEATURES}>>", 3, 2, 2),
    _case("softmax_all_row", f"softmax_all<fc<5,{_FEATURES}>>", 3, 2, 2),
    _case("multiply", f"multiply<{_FEATURES}>", 3, 2, 2),
    # ---- dropout: as dlib uses what it has trained with it ----
    _case("dropout", f"fc<3,dropout<relu<con<4,3,3,1,1,{_FEATURES}>>>>", 3, 4, 5),
    _case("dropout_10", f"fc<3,dropout_10<fc<6,{_FEATURES}>>>", 3, 4, 5),
    _case("dropout_rate", f"fc<3,relu<dropout_rate<30,fc<6,{_FEATURES}>>>>", 3, 4, 5),
    # ---- sequences ----
    _case("linear", f"linear<4,{_FEATURES}>", 3, 4, 5),
    _case("linear_no_bias", f"linear_no_bias<4,{_FEATURES}>", 3, 4, 5),
    _case("linear_row", f"linear<4,fc<3,{_FEATURES}>>", 3, 4, 5),
    _case("embeddings", "embeddings<7,4,input<matrix<int,0,1>>>", 1, 6, 1, tokens=9),
    _case("positional_encodings", f"positional_encodings<{_FEATURES}>", 3, 4, 5),
    _case("tril", f"tril<{_FEATURES}>", 3, 4, 5),
    _case("tril_mask", f"softmaxm<tril_mask<{_FEATURES}>>", 3, 4, 5),
    _case("tril_diag", f"tril_diag<1,3,2,{_FEATURES}>", 3, 5, 4),
    _case("tril_diag_below", f"tril_diag<-2,-1,4,{_FEATURES}>", 3, 5, 4),
    _case("act", f"act<{_FEATURES}>", 3, 4, 5, batch=3),
    _case("act4", f"act4<{_FEATURES}>", 3, 4, 5, batch=3),
    _case("act16", f"act16<linear<3,{_FEATURES}>>", 3, 4, 5, batch=3),
    _case(
        "adaptive_computation_time",
        f"adaptive_computation_time<2,{_FEATURES}>",
        3,
        4,
        5,
        batch=3,
    ),
    _case(
        "attention",
        """
        template <typename SUBNET> using query = extract<0,2,4,3,SUBNET>;
        template <typename SUBNET> using key = extract<24,2,3,4,SUBNET>;
        template <typename SUBNET> using value = extract<48,2,4,3,SUBNET>;
        template <typename SUBNET> using heads =
            add_prev1<linear_no_bias<6,reshape_to<1,4,6,multm_prev3<softmaxm<tril_mask<multiply<
            multm_prev4<query<skip2<tag4<key<skip2<tag3<value<
            tag2<linear<18,rms_norm<tag1<SUBNET>>>>>>>>>>>>>>>>>>>;
        template <typename SUBNET> using forward =
            add_prev5<linear<6,gelu<linear<8,layer_norm<tag5<SUBNET>>>>>>;
        using net_type = loss_multiclass_log<fc<7,rms_norm<repeat<2,forward,heads<
            positional_encodings<embeddings<7,6,input<matrix<int,0,1>>>>>>>>>;
        """,
        1,
        4,
        1,
        tokens=7,
        xml=True,
    ),
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
    _case(
        "dcgan_generator",  # as in dlib's example, smaller
        """
        template <long N, long K, int S, int P, typename SUBNET>
        using contp = add_layer<cont_<N,K,K,S,S,P,P>,SUBNET>;
        using net_type = loss_binary_log_per_pixel<sig<contp<1,4,2,1,relu<affine<contp<2,3,2,1,
            relu<affine<contp<3,4,1,0,input<matrix<float,3,1>>>>>>>>>>>;
        """,
        1,
        3,
        1,
    ),
    _case(
        "dcgan_discriminator",
        """
        template <long N, long K, int S, int P, typename SUBNET>
        using conp = add_layer<con_<N,K,K,S,S,P,P>,SUBNET>;
        using net_type = loss_binary_log<conp<1,3,1,0,leaky_relu<affine<conp<4,4,2,1,
            leaky_relu<conp<3,4,2,1,input<matrix<unsigned char>>>>>>>>>;
        """,
        1,
        12,
        12,
    ),
    _case(
        "language_model",  # the block of examples/slm_defs.h, where fc mixes all steps
        """
        template <long heads, long d, typename SUBNET>
        using query = extract<0,heads,d/heads,1,SUBNET>;
        template <long heads, long d, typename SUBNET>
        using key = extract<d,heads,1,d/heads,SUBNET>;
        template <long heads, long d, typename SUBNET>
        using value = extract<(d*2),heads,d/heads,1,SUBNET>;
        template <template <typename> class DO, long d, long heads, typename SUBNET>
        using attended = add_prev1<DO<extract<0,1,1,d,multm_prev3<DO<softmaxm<tril_mask<multiply<
            multm_prev4<query<heads,d,skip2<tag4<key<heads,d,skip2<tag3<value<heads,d,
            tag2<fc_no_bias<d*3,rms_norm<tag1<SUBNET>>>>>>>>>>>>>>>>>>>>;
        template <template <typename> class DO, long d, typename SUBNET>
        using forward = add_prev5<DO<extract<0,1,1,d,fc<d,gelu<fc<d*2,rms_norm<tag5<SUBNET>>>>>>>>;
        template <typename SUBNET>
        using step = forward<multiply,6,attended<multiply,6,2,SUBNET>>;
        using net_type = loss_multiclass_log<fc<5,rms_norm<repeat<2,step,
            positional_encodings<embeddings<5,6,input<matrix<int,0,1>>>>>>>>;
        """,
        1,
        4,
        1,
        tokens=5,
    ),
)

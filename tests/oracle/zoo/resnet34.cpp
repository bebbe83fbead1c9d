// ResNet-34 for the 1000 classes of ImageNet: resnet34_1000_imagenet_classifier.dnn.
// He et al. 2015, table 1, 34 layers; shortcuts of blocks that halve the map are average pools, and
// channels that they lack are zeros. Crops of 227×227.
#include <dlib/dnn.h>
using namespace dlib;

template <int N, int stride, typename SUBNET>
using body = affine<con<N,3,3,1,1,relu<affine<con<N,3,3,stride,stride,SUBNET>>>>>;
template <int N, typename SUBNET>
using unit = relu<add_prev1<body<N,1,tag1<SUBNET>>>>;
template <int N, typename SUBNET>
using halving = relu<add_prev2<avg_pool<2,2,2,2,skip1<tag2<body<N,2,tag1<SUBNET>>>>>>>;

template <typename SUBNET> using unit64 = unit<64,SUBNET>;
template <typename SUBNET> using unit128 = unit<128,SUBNET>;
template <typename SUBNET> using unit256 = unit<256,SUBNET>;
template <typename SUBNET> using unit512 = unit<512,SUBNET>;

template <typename SUBNET> using stem = max_pool<3,3,2,2,relu<affine<con<64,7,7,2,2,SUBNET>>>>;
template <typename SUBNET> using stage2 = unit64<unit64<unit64<SUBNET>>>;
template <typename SUBNET> using stage3 = unit128<unit128<unit128<halving<128,SUBNET>>>>;
template <typename SUBNET>
using stage4 = unit256<unit256<unit256<unit256<unit256<halving<256,SUBNET>>>>>>;
template <typename SUBNET> using stage5 = unit512<unit512<halving<512,SUBNET>>>;

using net_type = loss_multiclass_log<fc<1000,avg_pool_everything<
    stage5<stage4<stage3<stage2<stem<input_rgb_image_sized<227>>>>>>>>>;

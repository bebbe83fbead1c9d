// ResNet-50 for the 1000 classes of ImageNet: resnet50_1000_imagenet_classifier.dnn.
// He et al. 2015, table 1, 50 layers; shortcuts are as in dlib's ResNet-34, so that the first block
// of 64 filters adds 64 channels to 256. Crops of 224×224, which the type leaves open.
#include <dlib/dnn.h>
using namespace dlib;

template <int N, int stride, typename SUBNET>
using bottleneck = affine<con<4*N,1,1,1,1,relu<affine<con<N,3,3,stride,stride,
    relu<affine<con<N,1,1,1,1,SUBNET>>>>>>>>;
template <int N, typename SUBNET>
using unit = relu<add_prev1<bottleneck<N,1,tag1<SUBNET>>>>;
template <int N, typename SUBNET>
using halving = relu<add_prev2<avg_pool<2,2,2,2,skip1<tag2<bottleneck<N,2,tag1<SUBNET>>>>>>>;

template <typename SUBNET> using unit64 = unit<64,SUBNET>;
template <typename SUBNET> using unit128 = unit<128,SUBNET>;
template <typename SUBNET> using unit256 = unit<256,SUBNET>;
template <typename SUBNET> using unit512 = unit<512,SUBNET>;

using net_type = loss_multiclass_log<fc<1000,avg_pool_everything<
    repeat<2,unit512,halving<512,
    repeat<5,unit256,halving<256,
    repeat<3,unit128,halving<128,
    repeat<3,unit64,
    max_pool<3,3,2,2,relu<affine<con<64,7,7,2,2,input_rgb_image>>>>>>>>>>>>>>;

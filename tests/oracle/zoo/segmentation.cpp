// The 21 classes of PASCAL VOC 2012 at every pixel: semantic_segmentation_voc2012net.dnn.
// A ResNet that halves the map five times, and its mirror image of transposed convolutions.
#include <dlib/dnn.h>
using namespace dlib;

const int classes = 21;

template <int N, int stride, typename SUBNET>
using down_body = affine<con<N,3,3,1,1,relu<affine<con<N,3,3,stride,stride,SUBNET>>>>>;
template <int N, int stride, typename SUBNET>
using up_body = affine<cont<N,3,3,1,1,relu<affine<cont<N,3,3,stride,stride,SUBNET>>>>>;
template <int N, typename SUBNET>
using unit = relu<add_prev1<down_body<N,1,tag1<SUBNET>>>>;
template <int N, typename SUBNET>
using halving = relu<add_prev2<avg_pool<2,2,2,2,skip1<tag2<down_body<N,2,tag1<SUBNET>>>>>>>;
template <int N, typename SUBNET>
using doubling = relu<add_prev2<cont<N,2,2,2,2,skip1<tag2<up_body<N,2,tag1<SUBNET>>>>>>>;

template <int N, typename SUBNET> using down = unit<N,unit<N,halving<N,SUBNET>>>;
template <int N, typename SUBNET> using up = unit<N,unit<N,doubling<N,SUBNET>>>;

using net_type = loss_multiclass_log_per_pixel<cont<classes,7,7,2,2,
    up<64,up<128,up<256,up<512,
    down<512,down<256,down<128,unit<64,unit<64,unit<64,
    max_pool<3,3,2,2,relu<affine<con<64,7,7,2,2,
    input<matrix<rgb_pixel>>>>>>>>>>>>>>>>>>;

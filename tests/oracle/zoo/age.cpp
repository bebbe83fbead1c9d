// The age from 0 to 80: dnn_age_predictor_v1.dat, of faces of 64×64.
// A ResNet-10: its blocks are those of ResNet-34, one or two for each width.
#include <dlib/dnn.h>
using namespace dlib;

const unsigned long ages = 81;

template <int N, int stride, typename SUBNET>
using body = affine<con<N,3,3,1,1,relu<affine<con<N,3,3,stride,stride,SUBNET>>>>>;
template <int N, typename SUBNET>
using unit = relu<add_prev1<body<N,1,tag1<SUBNET>>>>;
template <int N, typename SUBNET>
using halving = relu<add_prev2<avg_pool<2,2,2,2,skip1<tag2<body<N,2,tag1<SUBNET>>>>>>>;

using net_type = loss_multiclass_log<fc<ages,avg_pool_everything<
    unit<256,halving<256,unit<128,halving<128,unit<64,
    max_pool<3,3,2,2,relu<affine<con<64,7,7,2,2,input_rgb_image>>>>>>>>>>>>;

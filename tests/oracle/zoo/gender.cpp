// Women and men: dnn_gender_classifier_v1.dat, of faces of 32×32.
// Antipov et al. 2016, Minimalistic CNN-based ensemble model for gender prediction, model I, without
// the dropout of convolutions.
#include <dlib/dnn.h>
using namespace dlib;

template <int N, typename SUBNET>
using level = avg_pool<2,2,2,2,relu<affine<con<N,3,3,1,1,relu<affine<con<N,3,3,1,1,SUBNET>>>>>>>;

using net_type = loss_multiclass_log<fc<2,dropout<relu<fc<16,dropout<
    level<64,level<32,input_rgb_image_sized<32>>>>>>>>>;

// Heads of dogs: mmod_dog_hipsterizer.dat, with a shape predictor and two pictures behind it.
// The face detector with 45 filters for its 55: three convolutions that halve the image, four of 5×5
// and 9×9.
#include <dlib/dnn.h>
using namespace dlib;

template <long N, typename SUBNET> using halving = relu<affine<con<N,5,5,2,2,SUBNET>>>;
template <typename SUBNET> using wide = relu<affine<con<45,5,5,1,1,SUBNET>>>;

using net_type = loss_mmod<con<1,9,9,1,1,wide<wide<wide<
    halving<32,halving<32,halving<16,input_rgb_image_pyramid<pyramid_down<6>>>>>>>>>>;

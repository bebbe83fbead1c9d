// Front and rear ends of cars: mmod_front_and_rear_end_vehicle_detector.dat.
// The face detector's layers. The type says one filter before the loss; the program that trained it
// set as many as there are windows.
#include <dlib/dnn.h>
using namespace dlib;

template <long N, typename SUBNET> using halving = relu<affine<con<N,5,5,2,2,SUBNET>>>;
template <typename SUBNET> using wide = relu<affine<con<55,5,5,1,1,SUBNET>>>;

using net_type = loss_mmod<con<1,9,9,1,1,wide<wide<wide<
    halving<32,halving<32,halving<16,input_rgb_image_pyramid<pyramid_down<6>>>>>>>>>>;

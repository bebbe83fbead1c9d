#include <dlib/dnn.h>
using namespace dlib;

template <typename SUBNET> using norm = add_layer<bn_<FC_MODE>, SUBNET>;
using net_type = norm<add_layer<fc_<5, FC_HAS_BIAS>,
    add_layer<bn_<CONV_MODE>, add_layer<linear_<2, LINEAR_NO_BIAS>,
    add_layer<con_<3, 1, 1, 1, 1>, input<matrix<float, 2, 2>>>>>>>;

#include <dlib/dnn.h>
using namespace dlib;

template <int N, typename SUBNET>
using padded = add_layer<con_<N, 3, 3, 2, 2, 1, 1>, SUBNET>;
using net_type = loss_multiclass_log<fc<3, padded<2, input<matrix<float, 4, 4>>>>>;

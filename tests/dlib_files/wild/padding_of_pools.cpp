#include <dlib/dnn.h>
using namespace dlib;

template <typename SUBNET>
using pooled = add_layer<max_pool_<3, 3, 2, 2>, SUBNET>;
using net_type = loss_multiclass_log<fc<3, pooled<input<matrix<float, 4, 4>>>>>;

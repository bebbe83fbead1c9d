#include <dlib/dnn.h>
using namespace dlib;

using net_type = loss_multiclass_log<add_layer<fc_<3, FC_NO_BIAS>, input<matrix<float, 2, 2>>>>;

#include <dlib/dnn.h>
using namespace dlib;

using net_type = loss_multiclass_log<fc<3, max_pool<2, 2, input<matrix<float, 2, 2>>>>>;

#include <dlib/dnn.h>
using namespace dlib;

const uint32_t n = 6;
using net_type = loss_multiclass_log<fc<n, input<matrix<float, 2, 2>>>>;

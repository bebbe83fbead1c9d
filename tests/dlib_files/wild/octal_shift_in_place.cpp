#include <dlib/dnn.h>
using namespace dlib;

const int unused = 1;
using net_type = loss_multiclass_log<fc<(1 << 2), input<matrix<float, 2, 2>>>>;

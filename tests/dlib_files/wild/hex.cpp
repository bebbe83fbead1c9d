#include <dlib/dnn.h>
using namespace dlib;

const int n = 0x10;
using net_type = loss_multiclass_log<fc<n, input<matrix<float, 2, 2>>>>;

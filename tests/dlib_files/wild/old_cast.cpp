#include <dlib/dnn.h>
using namespace dlib;

const int n = (int)6;
using net_type = loss_multiclass_log<fc<n, input<matrix<float, 2, 2>>>>;

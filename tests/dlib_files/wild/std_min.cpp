#include <dlib/dnn.h>
using namespace dlib;

const long n = std::min<long>(64, 32);
using net_type = loss_multiclass_log<fc<n, input<matrix<float, 2, 2>>>>;

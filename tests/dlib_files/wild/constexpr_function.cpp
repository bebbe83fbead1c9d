#include <dlib/dnn.h>
using namespace dlib;

constexpr long width(long n, int factor) { return n * factor; }
using net_type = loss_multiclass_log<fc<width(6, 2), input<matrix<float, 2, 2>>>>;

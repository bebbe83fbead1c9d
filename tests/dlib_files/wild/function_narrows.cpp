#include <dlib/dnn.h>
using namespace dlib;

constexpr int half(double n) { return n / 2; }
using net_type = loss_multiclass_log<fc<half(7), input<matrix<float, 2, 2>>>>;

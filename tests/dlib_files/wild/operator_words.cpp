#include <dlib/dnn.h>
using namespace dlib;

constexpr bool big = true and not false;
using net_type = loss_multiclass_log<fc<(big or false ? 7 bitand 6 : 2), input<matrix<float, 2, 2>>>>;

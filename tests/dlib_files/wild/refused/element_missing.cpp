#include <dlib/dnn.h>
using namespace dlib;

constexpr int widths[] = {3, 6, 9};
using net_type = loss_multiclass_log<fc<widths[3], input<matrix<float, 2, 2>>>>;

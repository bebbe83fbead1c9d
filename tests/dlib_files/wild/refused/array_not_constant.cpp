#include <dlib/dnn.h>
using namespace dlib;

constexpr int widths[] = {3, 6, 9};
static const long depths[2] = {1, 2};
using net_type = loss_multiclass_log<fc<widths[1] + depths[1], input<matrix<float, 2, 2>>>>;

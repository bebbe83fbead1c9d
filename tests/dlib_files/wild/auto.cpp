#include <dlib/dnn.h>
using namespace dlib;

static constexpr auto n = 3;
using net_type = loss_multiclass_log<fc<n, input<matrix<float, 2, 2>>>>;

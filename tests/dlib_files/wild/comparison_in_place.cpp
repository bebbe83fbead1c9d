#include <dlib/dnn.h>
using namespace dlib;

using net_type = loss_multiclass_log<fc<(4 > 3 ? 6 : 2), input<matrix<float, 2, 2>>>>;

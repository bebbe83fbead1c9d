#include <dlib/dnn.h>
using namespace dlib;

using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;
const int outputs = 3;

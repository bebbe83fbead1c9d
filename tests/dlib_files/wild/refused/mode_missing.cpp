#include <dlib/dnn.h>
using namespace dlib;

using net_type = loss_multiclass_log<fc<3, add_layer<bn_, input<matrix<float, 4, 4>>>>>;

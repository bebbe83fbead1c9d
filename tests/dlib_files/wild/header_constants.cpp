#include <dlib/dnn.h>
using namespace dlib;

#include "parts/sizes.h"

using net_type = loss_multiclass_log<fc<parts::few + PARTS_MORE, input<matrix<float, 2, 2>>>>;

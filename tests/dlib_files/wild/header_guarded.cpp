#include <dlib/dnn.h>
using namespace dlib;

#include "parts/sizes.h"
#include "parts/sizes.h"

#ifdef PARTS_SIZES_H
using net_type = loss_multiclass_log<fc<parts::few, input<matrix<float, 2, 2>>>>;
#endif

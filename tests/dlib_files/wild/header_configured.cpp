#include <dlib/dnn.h>
using namespace dlib;

#define PARTS_WIDTH 6
#include "parts/configured.h"

using net_type = loss_multiclass_log<parts::head<input<matrix<float, 2, 2>>>>;

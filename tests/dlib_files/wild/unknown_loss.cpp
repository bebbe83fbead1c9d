#include "loss_elsewhere.h"
using namespace dlib;

using net_type = loss_elsewhere<7, fc<3, input<matrix<float, 2, 2>>>>;

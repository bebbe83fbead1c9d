#include "my_input.h"
using namespace dlib;

using net_type = loss_multiclass_log<fc<3, relu<my_input<3>>>>;

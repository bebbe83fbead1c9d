#include <dlib/dnn.h>
using namespace dlib;

#ifndef CONFIGURED
#error say which network is wanted
#endif
using net_type = loss_multiclass_log<fc<3, input<matrix<float, 2, 2>>>>;

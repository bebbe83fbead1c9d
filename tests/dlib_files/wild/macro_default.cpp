#include <dlib/dnn.h>
using namespace dlib;

#ifndef FNUM
#define FNUM 8
#endif
using net_type = loss_multiclass_log<fc<FNUM, input<matrix<float, 2, 2>>>>;

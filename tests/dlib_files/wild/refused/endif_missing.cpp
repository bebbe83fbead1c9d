#include <dlib/dnn.h>
using namespace dlib;

#ifdef FNUM
using net_type = loss_multiclass_log<fc<FNUM, input<matrix<float, 2, 2>>>>;
#else
using net_type = loss_multiclass_log<fc<3, input<matrix<float, 2, 2>>>>;

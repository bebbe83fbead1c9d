#include <dlib/dnn.h>
using namespace dlib;

#define FNUM 3
#undef FNUM
using net_type = loss_multiclass_log<fc<FNUM, input<matrix<float, 2, 2>>>>;

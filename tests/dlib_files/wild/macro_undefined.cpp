#include <dlib/dnn.h>
using namespace dlib;

#define FNUM 4
#undef FNUM
#define FNUM 6
using net_type = loss_multiclass_log<fc<FNUM, input<matrix<float, 2, 2>>>>;

#include <dlib/dnn.h>
using namespace dlib;

#define BASE 4
#define FNUM (BASE * 2)
using net_type = loss_multiclass_log<fc<FNUM, input<matrix<float, 2, 2>>>>;

#include <dlib/dnn.h>
using namespace dlib;

#define UNIT(n, m) fc<n * m,

using net_type = loss_multiclass_log<UNIT(3) input<matrix<float, 2, 2>>>>;

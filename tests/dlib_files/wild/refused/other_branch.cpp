#include <dlib/dnn.h>
using namespace dlib;

#if 0
const int outputs = 3;
#endif
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

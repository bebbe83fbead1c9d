#include <dlib/dnn.h>
using namespace dlib;

#ifdef USE_BIG_NETWORK
const int outputs = 30;
#else
const int outputs = 4;
#endif
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

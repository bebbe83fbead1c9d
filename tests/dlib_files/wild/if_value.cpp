#include <dlib/dnn.h>
using namespace dlib;

#define DEPTH 2
#if DEPTH == 1
const int outputs = 3;
#elif DEPTH == 2
const int outputs = 4;
#else
const int outputs = 5;
#endif
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

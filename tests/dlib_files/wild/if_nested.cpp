#include <dlib/dnn.h>
using namespace dlib;

#define OUTER 1
#if OUTER
#if 0
don't read this {
#elif defined(OUTER)
const int outputs = 8;
#endif
#else
#error never
#endif
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

#include <dlib/dnn.h>
using namespace dlib;

#define BITS 3
#if (1 << BITS) > 0x7 && BITS % 2 ? 1 : 0
#define FNUM 9
#else
#define FNUM 2
#endif
using net_type = loss_multiclass_log<fc<FNUM, input<matrix<float, 2, 2>>>>;

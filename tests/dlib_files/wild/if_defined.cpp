#include <dlib/dnn.h>
using namespace dlib;

#define SMALL
#if defined(SMALL) && !defined BIG
#define FNUM 3
#else
#define FNUM 30
#endif
using net_type = loss_multiclass_log<fc<FNUM, input<matrix<float, 2, 2>>>>;

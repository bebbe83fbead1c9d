#include <dlib/dnn.h>
using namespace dlib;

#define MARK(n) tag##n
#define PLUS(n) add_prev##n

using net_type = loss_multiclass_log<fc<3, PLUS(1)<relu<MARK(1)<input<matrix<float, 4, 4>>>>>>>;

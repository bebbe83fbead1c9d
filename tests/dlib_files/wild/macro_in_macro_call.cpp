#include <dlib/dnn.h>
using namespace dlib;

#define TWICE(n) ((n) + (n))
#define WIDTH(n) TWICE(n + 1)
using net_type = loss_multiclass_log<fc<WIDTH(TWICE(1)), input<matrix<float, 2, 2>>>>;

#include <dlib/dnn.h>
using namespace dlib;

#define BLOCK(n, ...) relu<con<n, 3, 3, 1, 1, __VA_ARGS__>>

using net_type = loss_multiclass_log<fc<3, BLOCK(6, BLOCK(2, input<matrix<float, 4, 4>>))>>;

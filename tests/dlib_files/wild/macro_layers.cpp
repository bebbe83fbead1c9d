#include <dlib/dnn.h>
using namespace dlib;

#define CONV(n) relu<con<n, 3, 3, 1, 1

using net_type = loss_multiclass_log<fc<3, CONV(6), CONV(2), input<matrix<float, 4, 4>>>>>>>>;

#include <dlib/dnn.h>
using namespace dlib;

unsigned const int n = 6;
using net_type = loss_multiclass_log<fc<n, input<matrix<float, 2, 2>>>>;

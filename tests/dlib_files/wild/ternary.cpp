#include <dlib/dnn.h>
using namespace dlib;

const int a = 2;
const int n = a == 2 ? 5 : 9;
using net_type = loss_multiclass_log<fc<n, input<matrix<float, 2, 2>>>>;

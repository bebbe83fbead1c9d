#include <dlib/dnn.h>
using namespace dlib;

#define outputs(n) n * 100
const int outputs = 6;
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

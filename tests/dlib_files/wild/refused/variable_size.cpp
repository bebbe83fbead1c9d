#include <dlib/dnn.h>
using namespace dlib;

int outputs = 3;
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

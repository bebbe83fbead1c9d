#include <dlib/dnn.h>
using namespace dlib;

const int outputs \
    = 3;  // a comment \
const int outputs = 30;
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

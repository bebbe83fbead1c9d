#include <dlib/dnn.h>
using namespace dlib;

#define NETWORK(name, outputs) \
    using name = \
        loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>

NETWORK(net_type, 7);

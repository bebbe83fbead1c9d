#include <dlib/dnn.h>
using namespace dlib;

void train()
{
    constexpr int outputs = 5;
    using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;
    net_type net;
}

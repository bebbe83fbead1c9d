#include <dlib/dnn.h>
using namespace dlib;

namespace
{
    constexpr long outputs = 7;
}
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

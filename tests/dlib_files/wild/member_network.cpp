#include <dlib/dnn.h>
using namespace dlib;

template <int N>
struct config
{
    using net = loss_multiclass_log<fc<N, input<matrix<float, 2, 2>>>>;
};
using net_type = config<4>::net;

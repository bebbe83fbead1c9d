#include <dlib/dnn.h>
using namespace dlib;

template <template <typename> class ACT>
struct config
{
    template <int N, typename SUBNET>
    using unit = ACT<fc<N, SUBNET>>;
};
using net_type = loss_multiclass_log<config<relu>::unit<3, config<prelu>::unit<5, input<matrix<float, 2, 2>>>>>;

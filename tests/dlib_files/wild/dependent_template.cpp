#include <dlib/dnn.h>
using namespace dlib;

template <int N>
struct config
{
    template <typename SUBNET> using unit = relu<fc<N, SUBNET>>;
};
template <int N, typename SUBNET>
using unit = typename config<N>::template unit<SUBNET>;
using net_type = loss_multiclass_log<unit<3, unit<5, input<matrix<float, 2, 2>>>>>;

#include <dlib/dnn.h>
using namespace dlib;

struct base
{
    template <int N, typename SUBNET> using unit = relu<fc<N, SUBNET>>;
};
struct derived : base
{
    template <typename SUBNET> using head = unit<3, SUBNET>;
};
using net_type = loss_multiclass_log<derived::head<derived::unit<5, input<matrix<float, 2, 2>>>>>;

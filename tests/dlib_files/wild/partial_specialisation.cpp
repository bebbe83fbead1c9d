#include <dlib/dnn.h>
using namespace dlib;

template <int N, bool NORM>
struct unit
{
    template <typename SUBNET> using layer = bn_fc<fc<N, SUBNET>>;
};
template <int N>
struct unit<N, false>
{
    template <typename SUBNET> using layer = fc<N, SUBNET>;
};
using net_type = loss_multiclass_log<unit<3, false>::layer<unit<5, true>::layer<input<matrix<float, 2, 2>>>>>;

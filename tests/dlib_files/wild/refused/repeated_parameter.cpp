#include <dlib/dnn.h>
using namespace dlib;

template <int N, int N, typename SUBNET> using unit = fc<N, SUBNET>;
using net_type = loss_multiclass_log<unit<3, 4, input<matrix<float, 2, 2>>>>;

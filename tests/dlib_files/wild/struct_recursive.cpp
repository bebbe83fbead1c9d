#include <dlib/dnn.h>
using namespace dlib;

template <int N>
struct power { static const int value = 2 * power<N - 1>::value; };
template <>
struct power<0> { static const int value = 1; };
using net_type = loss_multiclass_log<fc<power<3>::value, input<matrix<float, 2, 2>>>>;

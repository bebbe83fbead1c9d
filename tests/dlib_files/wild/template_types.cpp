#include <dlib/dnn.h>
using namespace dlib;

template <uint32_t N, auto M, typename S> using two = fc<N, fc<M, S>>;
using net_type = loss_multiclass_log<two<3, 4, input<matrix<float, 2, 2>>>>;

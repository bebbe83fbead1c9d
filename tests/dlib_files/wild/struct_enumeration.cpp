#include <dlib/dnn.h>
using namespace dlib;

template <int N>
struct sizes { enum { half = N / 2, all = N }; };
using net_type = loss_multiclass_log<fc<sizes<6>::half + sizes<6>::all, input<matrix<float, 2, 2>>>>;

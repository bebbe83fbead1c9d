#include <dlib/dnn.h>
using namespace dlib;

#define LAYER template <typename SUBNET> using

LAYER five = con<5, 1, 1, 1, 1, SUBNET>;
LAYER two = con<2, 1, 1, 1, 1, SUBNET>;
using net_type = loss_multiclass_log<fc<3, five<two<input<matrix<float, 4, 4>>>>>>;

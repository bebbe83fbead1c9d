#include <dlib/dnn.h>
using namespace dlib;

std::vector<loss_multiclass_log<fc<4, input<matrix<float, 2, 2>>>>> networks;

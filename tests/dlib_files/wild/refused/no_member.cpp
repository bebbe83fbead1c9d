#include <dlib/dnn.h>
using namespace dlib;

struct sizes { static const int outputs = 3; };
using net_type = loss_multiclass_log<fc<sizes::output, input<matrix<float, 2, 2>>>>;

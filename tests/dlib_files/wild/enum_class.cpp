#include <dlib/dnn.h>
using namespace dlib;

enum class width : int { a = 2, b };
using net_type = loss_multiclass_log<fc<static_cast<int>(width::b), input<matrix<float, 2, 2>>>>;

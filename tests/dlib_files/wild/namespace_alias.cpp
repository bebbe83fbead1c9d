#include <dlib/dnn.h>
using namespace dlib;

namespace far { namespace away { const int outputs = 3; } }
namespace near = far::away;
using net_type = loss_multiclass_log<fc<near::outputs, input<matrix<float, 2, 2>>>>;

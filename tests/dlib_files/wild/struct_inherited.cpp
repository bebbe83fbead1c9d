#include <dlib/dnn.h>
using namespace dlib;

struct base { static const long outputs = 4; };
struct derived : public base { static const long more = outputs + 1; };
using net_type = loss_multiclass_log<fc<derived::outputs + derived::more, input<matrix<float, 2, 2>>>>;

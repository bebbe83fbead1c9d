#include <dlib/dnn.h>
using namespace dlib;

#define EXPORTED
struct EXPORTED sizes
{
    static const long outputs = 5;
};
using net_type = loss_multiclass_log<fc<sizes::outputs, input<matrix<float, 2, 2>>>>;

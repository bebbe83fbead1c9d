#include <dlib/dnn.h>
using namespace dlib;

template <typename... T>
struct many
{
    static const int count = sizeof...(T);
};
using net_type = loss_multiclass_log<fc<many<int, float, char>::count, input<matrix<float, 2, 2>>>>;

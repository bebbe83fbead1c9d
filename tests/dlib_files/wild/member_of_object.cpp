#include <dlib/dnn.h>
using namespace dlib;

template <typename image>
float first(image& picture)
{
    const float value = picture.template at<float>(0, 0) > picture.rows;
    return value;
}
using net_type = loss_multiclass_log<fc<3, input<matrix<float, 2, 2>>>>;

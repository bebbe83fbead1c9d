#include <dlib/dnn.h>
using namespace dlib;

constexpr long width(long n)
{
    const long twice = n * 2;
    const auto more = twice + 1;
    return more * twice;
}
using net_type = loss_multiclass_log<fc<width(2), input<matrix<float, 2, 2>>>>;

#include <dlib/dnn.h>
using namespace dlib;

constexpr long least(long n)
{
    if (n < 5)
        return 5;
    return n;
}
using net_type = loss_multiclass_log<fc<least(2) + least(6), input<matrix<float, 2, 2>>>>;

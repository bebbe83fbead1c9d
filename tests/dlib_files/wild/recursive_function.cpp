#include <dlib/dnn.h>
using namespace dlib;

static constexpr int factorial(const int n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}
using net_type = loss_multiclass_log<fc<factorial(4), input<matrix<float, 2, 2>>>>;

#include <dlib/dnn.h>
using namespace dlib;

constexpr unsigned long log2_of(unsigned long n)
{
    if (n <= 1)
        return 0;
    return 1 + log2_of(n / 2);
}
using net_type = loss_multiclass_log<fc<log2_of(1024), input<matrix<float, 2, 2>>>>;

#include <dlib/dnn.h>
using namespace dlib;

int main()
{
    static const loss_multiclass_log<fc<3, input<matrix<float, 2, 2>>>> net;
}

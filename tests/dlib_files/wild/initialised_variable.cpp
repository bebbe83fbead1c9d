#include <dlib/dnn.h>
using namespace dlib;

int main()
{
    loss_multiclass_log<fc<5, input<matrix<float, 2, 2>>>> net((loss_multiclass_log_())), *other;
    net.clean();
}

#include <dlib/dnn.h>
using namespace dlib;

int main()
{
    loss_multiclass_log<fc<5, input<matrix<float, 2, 2>>>> net(0.5, num_fc_outputs(5)), *other;
    net.clean();
}

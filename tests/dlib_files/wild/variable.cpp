#include <dlib/dnn.h>
using namespace dlib;

int main()
{
    loss_multiclass_log<fc<6, input<matrix<float, 2, 2>>>> net;
    std::vector<matrix<float>> samples;
    net.clean();
}

#include <dlib/dnn.h>
using namespace dlib;

template <int N> struct cfg {
    using net = loss_multiclass_log<fc<N, input<matrix<float, 2, 2>>>>;
};

int main()
{
    cfg<4>::net net;
    net.clean();
}

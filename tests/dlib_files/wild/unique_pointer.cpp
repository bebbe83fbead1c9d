#include <dlib/dnn.h>
using namespace dlib;

template <long N> struct cfg
{
    using net = loss_multiclass_log<fc<N, input<matrix<float, 2, 2>>>>;
};
class classifier
{
    std::unique_ptr<cfg<4>::net> net_;
    int frames = 0;
};

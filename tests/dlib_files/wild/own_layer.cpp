#include <dlib/dnn.h>
using namespace dlib;

class mine_
{
public:
    template <typename S> void setup(const S&) {}
};
template <typename SUBNET> using mine = add_layer<mine_, SUBNET>;
using net_type = loss_multiclass_log<fc<3, mine<input<matrix<float, 2, 2>>>>>;

#include <dlib/dnn.h>
using namespace dlib;

#define NORM bn_con
#define SUBNETWORK typename SUBNET

template <SUBNETWORK> using block = NORM<con<4, 3, 3, 1, 1, SUBNET>>;
using net_type = loss_multiclass_log<fc<3, block<input<matrix<float, 4, 4>>>>>;

#include <dlib/dnn.h>
using namespace dlib;

typedef matrix<float, 2, 2> small, picture;
using net_type = loss_multiclass_log<fc<3, input<picture>>>;

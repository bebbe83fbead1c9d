#include <dlib/dnn.h>

using dlib::fc;
using dlib::input;
using dlib::loss_multiclass_log;
using dlib::matrix;

using net_type = loss_multiclass_log<fc<3, input<matrix<float, 2, 2>>>>;

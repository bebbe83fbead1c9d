#include <dlib/dnn.h>

using net_type = ::dlib::loss_multiclass_log<::dlib::fc<4, ::dlib::input<::dlib::matrix<float, 2, 2>>>>;

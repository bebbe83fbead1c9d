#include <dlib/dnn.h>
using namespace dlib;

enum { W = 7, H };
using net_type = loss_multiclass_log<fc<H, input<matrix<float, 2, 2>>>>;

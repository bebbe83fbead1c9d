#include <dlib/dnn.h>
using namespace dlib;

#define SIZE_OF(part) part##_size
const long head_size = 5;
using net_type = loss_multiclass_log<fc<SIZE_OF(head), input<matrix<float, 2, 2>>>>;

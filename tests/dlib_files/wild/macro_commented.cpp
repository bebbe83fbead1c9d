#include <dlib/dnn.h>
using namespace dlib;

#define FNUM 9 /* filters, not
                  all of them */ - 2 // less two
using net_type = loss_multiclass_log<fc<FNUM, input<matrix<float, 2, 2>>>>;

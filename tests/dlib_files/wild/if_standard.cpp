#include <dlib/dnn.h>
using namespace dlib;

#if __cplusplus >= 201703L
inline constexpr long outputs = 6;
#else
const long outputs = 60;
#endif
using net_type = loss_multiclass_log<fc<outputs, input<matrix<float, 2, 2>>>>;

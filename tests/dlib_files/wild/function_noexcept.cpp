#include <dlib/dnn.h>
using namespace dlib;

inline constexpr auto next(int n) noexcept -> int { return n + 1; }
using net_type = loss_multiclass_log<fc<next(5), input<matrix<float, 2, 2>>>>;

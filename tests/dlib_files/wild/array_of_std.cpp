#include <dlib/dnn.h>
using namespace dlib;

constexpr std::array<int, 2> widths = {3, 6};
constexpr std::array<int, 2> more{{1, 4}};
using net_type = loss_multiclass_log<fc<widths[more[0]] + more[1], input<matrix<float, 2, 2>>>>;

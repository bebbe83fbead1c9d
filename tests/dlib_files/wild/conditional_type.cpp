#include <dlib/dnn.h>
using namespace dlib;

template <bool BIG, typename SUBNET>
using unit = std::conditional_t<BIG, fc<8, SUBNET>, typename std::conditional<BIG, fc<9, SUBNET>, fc<5, SUBNET>>::type>;
using net_type = loss_multiclass_log<fc<3, unit<(3 < 4), unit<(3 > 4), input<matrix<float, 2, 2>>>>>>;

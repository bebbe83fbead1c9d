// A small detector of two scales, as dlib's YOLO example nests its three: the finer map is read
// last. It is in no zoo; loss_yolo has no published file.
#include <dlib/dnn.h>
using namespace dlib;

const int classes = 3;

template <int N, int stride, typename SUBNET>
using unit = leaky_relu<affine<con<N,3,3,stride,stride,SUBNET>>>;
template <int anchors, typename SUBNET>
using head = sig<con<anchors*(5+classes),1,1,1,1,SUBNET>>;

template <typename SUBNET> using fine = add_tag_layer<4008,SUBNET>;
template <typename SUBNET> using coarse = add_tag_layer<4016,SUBNET>;

using net_type = add_loss_layer<loss_yolo_<fine, coarse>,
    fine<head<3,unit<8,1,skip1<coarse<head<2,unit<12,2,tag1<unit<8,2,
    input_rgb_image>>>>>>>>>>;

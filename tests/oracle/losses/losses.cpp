// Asks dlib what its losses cost and decide, and how its image pyramids lie; prints JSON.
//
//   g++ -std=c++17 -O1 -w -DDLIB_NO_GUI_SUPPORT -I$DLIB_SOURCE losses.cpp \
//       $DLIB_SOURCE/dlib/all/source.cpp -lpthread -o losses && ./losses > losses.json

#include <dlib/dnn.h>

#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

using namespace dlib;

// The numbers that stand for a network's output; the tests make the same.
float number(long index, long seed) { return ((index * 37 + seed * 11) % 64 - 31.5f) / 16; }

// Between 0 and 1, for outputs that were put through a sigmoid.
float share(long index, long seed) { return ((index * 37 + seed * 11) % 64 + 0.5f) / 64; }

// All different up to an index of 4092, so that no two scores are equal.
float different(long index, long seed) { return ((index * 1009 + seed * 11) % 4093 - 2046) / 512.0f; }

// What a loss asks of the layers below it.
struct given
{
    resizable_tensor output, gradient;
    long factor = 1;

    given(long n, long k, long nr, long nc, long seed, long factor_ = 1) : factor(factor_)
    {
        output.set_size(n, k, nr, nc);
        gradient.copy_size(output);
        gradient = 0;
        for (size_t i = 0; i < output.size(); ++i)
            output.host()[i] = number(i, seed);
    }

    const tensor& get_output() const { return output; }
    tensor& get_gradient_input() { return gradient; }
    long sample_expansion_factor() const { return factor; }
};

bool first = true;

void name(const std::string& text)
{
    std::cout << (first ? "{\n" : ",\n") << '"' << text << "\": ";
    first = false;
}

template <typename T>
void list(const T& values)
{
    std::cout << "[";
    bool comma = false;
    for (auto value : values)
    {
        std::cout << (comma ? ", " : "") << value;
        comma = true;
    }
    std::cout << "]";
}

template <typename LOSS, typename LABEL>
void cost(const std::string& what, const LOSS& loss, given sub, std::vector<LABEL> truth)
{
    const double value = loss.compute_loss_value_and_gradient(sub.output, truth.begin(), sub);
    name(what);
    std::cout << "{\"loss\": " << value << ", \"gradient\": ";
    list(std::vector<float>(sub.gradient.begin(), sub.gradient.end()));
    std::cout << "}";
}

template <typename T>
matrix<T> filled(long nr, long nc, std::vector<T> values)
{
    matrix<T> out(nr, nc);
    for (long i = 0; i < nr * nc; ++i)
        out(i / nc, i % nc) = values[i];
    return out;
}

void plain_losses()
{
    cost<loss_binary_hinge_, float>("binary_hinge", {}, given(4, 1, 1, 1, 1), {1, -1, 1, -1});
    cost<loss_binary_log_, float>("binary_log", {}, given(4, 1, 1, 1, 1), {1, -1, 0.5, -2});
    cost<loss_multiclass_log_, unsigned long>("multiclass_log", {}, given(3, 4, 1, 1, 2), {0, 3, 1});
    using weighted = weighted_label<unsigned long>;
    cost<loss_multiclass_log_weighted_, weighted>("multiclass_log_weighted", {},
        given(3, 4, 1, 1, 2), {weighted(0, 1), weighted(3, 0.25), weighted(1, 3)});
    cost<loss_multibinary_log_, std::vector<float>>("multibinary_log", {},
        given(2, 3, 1, 1, 3), {{1, -1, 2}, {-0.5, -1, 1}});
    cost<loss_multibinary_log_, std::vector<float>>("multibinary_log_focal", loss_multibinary_log_(2),
        given(2, 3, 1, 1, 3), {{1, -1, 2}, {-0.5, -1, 1}});
    cost<loss_metric_, unsigned long>("metric", {}, given(6, 3, 1, 1, 4), {0, 0, 1, 1, 2, 0});
    given close(6, 3, 1, 1, 4);
    for (auto& value : close.output)
        value /= 8;
    cost<loss_metric_, unsigned long>("metric_close", loss_metric_(0.1, 0.75), close, {0, 0, 1, 1, 2, 0});
    cost<loss_ranking_, float>("ranking", {}, given(6, 1, 1, 1, 5), {1, -1, 1, -1, 0, 2});
    cost<loss_mean_squared_, float>("mean_squared", {}, given(3, 1, 1, 1, 6), {1, 0.5, -2});
    cost<loss_epsilon_insensitive_, float>("epsilon_insensitive", loss_epsilon_insensitive_(0.75),
        given(4, 1, 1, 1, 6), {1, 0.5, -2, 1});
    cost<loss_mean_squared_multioutput_, matrix<float>>("mean_squared_multioutput", {},
        given(2, 3, 1, 1, 7), {filled<float>(3, 1, {1, 2, 3}), filled<float>(3, 1, {-1, 0, 1})});
    cost<loss_binary_log_per_pixel_, matrix<float>>("binary_log_per_pixel", {},
        given(2, 1, 2, 2, 8), {filled<float>(2, 2, {1, -1, 0, 2}), filled<float>(2, 2, {-1, -1, 1, 0})});
    cost<loss_multiclass_log_per_pixel_, matrix<uint16_t>>("multiclass_log_per_pixel", {},
        given(1, 3, 2, 2, 9), {filled<uint16_t>(2, 2, {0, 2, 65535, 1})});
    using weighted_pixel = weighted_label<uint16_t>;
    cost<loss_multiclass_log_per_pixel_weighted_, matrix<weighted_pixel>>(
        "multiclass_log_per_pixel_weighted", {}, given(1, 3, 2, 2, 9),
        {filled<weighted_pixel>(2, 2, {{0, 1}, {2, 0.5}, {1, 0}, {1, 2}})});
    cost<loss_mean_squared_per_pixel_, matrix<float>>("mean_squared_per_pixel", {},
        given(2, 1, 2, 2, 10), {filled<float>(2, 2, {1, 0, 0, 2}), filled<float>(2, 2, {0, 1, 1, 0})});
    using maps = std::array<matrix<float>, 2>;
    cost<loss_mean_squared_per_channel_and_pixel_<2>, maps>("mean_squared_per_channel_and_pixel", {},
        given(1, 2, 1, 2, 11), {maps{filled<float>(1, 2, {1, 0}), filled<float>(1, 2, {2, -1})}});
    matrix<float, 0, 1> one = filled<float>(3, 1, {1, 2, 3}), other = filled<float>(3, 1, {0, -1, 1});
    cost<loss_dot_, matrix<float, 0, 1>>("dot", {}, given(2, 3, 1, 1, 12), {one, other});
    loss_multimulticlass_log_ several({{"colour", {"blue", "red"}}, {"shape", {"disk", "ring", "square"}}});
    using words = std::map<std::string, std::string>;
    cost<loss_multimulticlass_log_, words>("multimulticlass_log", several, given(2, 5, 1, 1, 13),
        {words{{"colour", "red"}, {"shape", "disk"}}, words{{"colour", "blue"}, {"shape", "square"}}});

    given twins(8, 3, 1, 1, 14, 2);
    const double value = loss_barlow_twins_().compute_loss_value_and_gradient(twins.output, twins);
    name("barlow_twins");
    std::cout << "{\"loss\": " << value << ", \"gradient\": ";
    list(std::vector<float>(twins.gradient.begin(), twins.gradient.end()));
    std::cout << "}";
}

// ---- detectors ----

template <typename RECT>
void boxes(const std::string& what, const std::vector<RECT>& found)
{
    name(what);
    std::cout << "[";
    for (size_t i = 0; i < found.size(); ++i)
    {
        const auto& r = found[i].rect;
        std::cout << (i ? ",\n  " : "\n  ") << "[" << r.left() << ", " << r.top() << ", " << r.right() << ", "
                  << r.bottom() << ", \"" << found[i].label << "\", " << found[i].detection_confidence << "]";
    }
    std::cout << "]";
}

template <long K>
std::array<matrix<float>, K> picture(long nr, long nc, float (*value)(long, long), long seed)
{
    std::array<matrix<float>, K> out;
    for (long k = 0; k < K; ++k)
    {
        out[k].set_size(nr, nc);
        for (long i = 0; i < nr * nc; ++i)
            out[k](i / nc, i % nc) = value(k * nr * nc + i, seed);
    }
    return out;
}

template <long K> using planes = input<std::array<matrix<float>, K>>;

// The tiles' cells, strided and padded, so that places map through all of it.
using regressing = loss_mmod<avg_pool<3, 2, 2, 3, avg_pool<3, 3, 1, 1, planes<10>>>>;
using plain = loss_mmod<avg_pool<3, 2, 2, 3, planes<2>>>;

mmod_options options()
{
    mmod_options made;
    made.detector_windows = {{9, 6, "cat"}, {4, 11, "dog"}};
    made.overlaps_nms = test_box_overlap(0.3, 0.8);
    return made;
}

void mmod()
{
    plain net(options());
    boxes("mmod", net.process(picture<2>(14, 20, different, 1), 0.25));
    mmod_options made = options();
    made.use_bounding_box_regression = true;
    regressing more(made);
    boxes("mmod_regression", more.process(picture<10>(14, 20, different, 2)));
}

using dlib_yolo = add_loss_layer<loss_yolo_<tag1, tag2>, tag2<max_pool<2, 2, 2, 2, tag1<planes<14>>>>>;

void yolo()
{
    yolo_options made;
    made.labels = {"ape", "bee"};
    made.add_anchors<tag1>({{3, 5}, {6, 4}});
    made.add_anchors<tag2>({{9, 8}, {5, 12}});
    made.overlaps_nms = test_box_overlap(0.45, 0.9);
    dlib_yolo net(made);
    boxes("yolo", net.process(picture<14>(6, 8, share, 1), 0.5));
    net.loss_details().adjust_nms(0.2, 0.7, false);
    boxes("yolo_of_all_classes", net.process(picture<14>(6, 8, share, 1), 0.5));
}

// ---- detectors that learn ----

// The loss for true boxes, and its gradient with respect to what the loss reads.
template <typename NET, typename TRUTH>
void learned(const std::string& what, NET& net, resizable_tensor& x, TRUTH truth)
{
    net.subnet().forward(x);
    dimpl::subnet_wrapper<typename NET::subnet_type> sub(net.subnet());
    std::ostringstream warnings; // of boxes that no window finds
    auto* out = std::cout.rdbuf(warnings.rdbuf());
    const double value = net.loss_details().compute_loss_value_and_gradient(x, truth.begin(), sub);
    std::cout.rdbuf(out);
    name(what);
    std::cout << "{\"loss\": " << value;
}

void gradient(const std::string& what, tensor& values)
{
    std::cout << ", \"" << what << "\": ";
    list(std::vector<float>(values.begin(), values.end()));
}

mmod_rect truth(long left, long top, long right, long bottom, const std::string& label, bool ignored = false)
{
    mmod_rect made(rectangle(left, top, right, bottom));
    made.label = label;
    made.ignore = ignored;
    made.detection_confidence = 1; // the weight of its class in loss_yolo
    return made;
}

// The quirks are asked for one by one: boxes that match, that nothing can match, that fall onto
// one another, that are ignored, that others suppress; the second picture has none.
std::vector<std::vector<mmod_rect>> true_boxes()
{
    return {{truth(3, 2, 11, 7, "cat"), truth(10, 1, 13, 11, "dog"), truth(0, 0, 19, 13, "cat"),
             truth(4, 2, 12, 7, "cat"), truth(12, 6, 19, 11, "cat", true), truth(11, 2, 14, 12, "dog"),
             truth(9, 8, 17, 13, "cat")},
            {}};
}

void mmod_learns()
{
    std::vector<std::array<matrix<float>, 2>> some = {
        picture<2>(14, 20, different, 1), picture<2>(14, 20, different, 5)};
    resizable_tensor x;
    mmod_options made = options();
    made.assume_image_pyramid = use_image_pyramid::no;
    made.be_quiet = true;
    made.overlaps_ignore = test_box_overlap(0.5, 0.5);
    plain net(made);
    net.to_tensor(some.begin(), some.end(), x);
    learned("mmod_learns", net, x, true_boxes());
    gradient("gradient", net.subnet().get_gradient_input());
    std::cout << "}";

    made.assume_image_pyramid = use_image_pyramid::yes;
    made.loss_per_false_alarm = 0.5;
    made.loss_per_missed_target = 2;
    made.truth_match_iou_threshold = 0.3;
    plain scaled(made);
    scaled.to_tensor(some.begin(), some.end(), x);
    learned("mmod_learns_of_any_scale", scaled, x, true_boxes());
    gradient("gradient", scaled.subnet().get_gradient_input());
    std::cout << "}";

    std::vector<std::array<matrix<float>, 10>> more = {
        picture<10>(14, 20, different, 2), picture<10>(14, 20, different, 6)};
    made.use_bounding_box_regression = true;
    made.bbr_lambda = 10;
    regressing moving(made);
    moving.to_tensor(more.begin(), more.end(), x);
    learned("mmod_learns_regression", moving, x, true_boxes());
    gradient("gradient", moving.subnet().get_gradient_input());
    std::cout << "}";

    // Places go through the tiles of a pyramid and back.
    using tiled = loss_mmod<avg_pool<5, 5, 2, 2, input_rgb_image_pyramid<pyramid_down<4>>>>;
    mmod_options of_colours;
    of_colours.detector_windows = {{16, 16, "a"}, {12, 20, "b"}, {20, 12, "c"}};
    of_colours.be_quiet = true;
    matrix<rgb_pixel> image(60, 80);
    for (long i = 0; i < 4800; ++i)
        image(i / 80, i % 80) = rgb_pixel(i * i * 7 % 251, i * i % 241 + i % 11, i * 29 % 256);
    tiled whole(of_colours);
    whole.to_tensor(&image, &image + 1, x);
    std::vector<std::vector<mmod_rect>> seen = {{truth(5, 6, 30, 33, "a"), truth(40, 10, 56, 38, "b"),
                                                 truth(20, 30, 70, 58, "c"), truth(60, 2, 75, 17, "a")}};
    learned("mmod_learns_pyramid", whole, x, seen);
    gradient("gradient", whole.subnet().get_gradient_input());
    std::cout << "}";
}

void yolo_learns()
{
    std::vector<std::array<matrix<float>, 14>> some = {
        picture<14>(8, 8, share, 1), picture<14>(8, 8, share, 3)};
    const std::vector<std::vector<yolo_rect>> seen = {
        {truth(0, 1, 3, 4, "bee"), truth(2, 3, 7, 6, "ape"), truth(1, 1, 6, 7, "ape"),
         truth(5, 0, 7, 2, "bee", true), truth(-9, 2, -3, 6, "ape")},
        {truth(4, 4, 6, 5, "bee")}};
    for (int which = 0; which < 3; ++which)
    {
        yolo_options made;
        made.labels = {"ape", "bee"};
        made.add_anchors<tag1>({{3, 5}, {6, 4}});
        made.add_anchors<tag2>({{9, 8}, {5, 12}});
        if (which)
        {
            made.iou_anchor_threshold = which == 1 ? 0.25 : 0;
            made.iou_ignore_threshold = 0.4;
            made.lambda_obj = 2;
            made.lambda_box = 0.5;
            made.lambda_cls = 3;
            made.gamma_obj = 2;
            made.gamma_cls = 1.5;
        }
        dlib_yolo net(made);
        resizable_tensor x;
        net.to_tensor(some.begin(), some.end(), x);
        learned("yolo_learns " + std::to_string(which), net, x, seen);
        gradient("tag1", layer<tag1>(net.subnet()).get_gradient_input());
        gradient("tag2", layer<tag2>(net.subnet()).get_gradient_input());
        std::cout << "}";
    }
}

// ---- pyramids ----

template <unsigned N>
void pyramid(long nr, long nc, unsigned long padding, unsigned long outer)
{
    std::vector<rectangle> tiles;
    long rows = 0, columns = 0;
    impl::compute_tiled_image_pyramid_details(pyramid_down<N>(), nr, nc, padding, outer, tiles, rows, columns);
    name("pyramid " + std::to_string(N) + " " + std::to_string(nr) + " " + std::to_string(nc) + " "
         + std::to_string(padding) + " " + std::to_string(outer));
    std::cout << "{\"size\": [" << rows << ", " << columns << "], \"tiles\": [";
    for (size_t i = 0; i < tiles.size(); ++i)
        std::cout << (i ? ", " : "") << "[" << tiles[i].left() << ", " << tiles[i].top() << ", "
                  << tiles[i].right() << ", " << tiles[i].bottom() << "]";
    std::cout << "], \"places\": [";
    for (long i = 0; i < 12; ++i)
    {
        const drectangle r(i * columns / 12, i * rows / 13, i * columns / 12 + 7, i * rows / 13 + 9);
        const drectangle p = tiled_pyramid_to_image<pyramid_down<N>>(tiles, r);
        std::cout << (i ? ", " : "") << "[" << p.left() << ", " << p.top() << ", " << p.right() << ", "
                  << p.bottom() << "]";
    }
    std::cout << "]}";
}

void pyramids()
{
    pyramid<2>(90, 130, 10, 11);
    pyramid<3>(90, 130, 10, 11);
    pyramid<4>(131, 80, 10, 11);
    pyramid<6>(512, 512, 10, 11);
    pyramid<6>(120, 333, 10, 11);
    pyramid<6>(333, 120, 3, 0);
    pyramid<8>(64, 64, 10, 11);
    pyramid<6>(30, 40, 10, 11);

    matrix<rgb_pixel> image(40, 50);
    for (long i = 0; i < 2000; ++i)
        image(i / 50, i % 50) = rgb_pixel(i * 7 % 256, i * 13 % 256, i * 29 % 256);
    resizable_tensor tiled;
    input_rgb_image_pyramid<pyramid_down<4>> layer;
    layer.to_tensor(&image, &image + 1, tiled);
    name("tiled");
    std::cout << "{\"shape\": [" << tiled.k() << ", " << tiled.nr() << ", " << tiled.nc() << "], \"every97th\": ";
    std::vector<float> some;
    for (size_t i = 0; i < tiled.size(); i += 97)
        some.push_back(tiled.host()[i]);
    list(some);
    std::cout << "}";
}

int main()
{
    std::cout << std::setprecision(9);
    plain_losses();
    mmod();
    yolo();
    mmod_learns();
    yolo_learns();
    pyramids();
    std::cout << "\n}\n";
}

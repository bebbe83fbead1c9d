// Asks dlib what its losses cost and decide, and how its image pyramids lie; prints JSON.
//
//   g++ -std=c++17 -O1 -w -DDLIB_NO_GUI_SUPPORT -I$DLIB_SOURCE losses.cpp \
//       $DLIB_SOURCE/dlib/all/source.cpp -lpthread -o losses && ./losses > losses.json

#include <dlib/dnn.h>

#include <iomanip>
#include <iostream>
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
    pyramids();
    std::cout << "\n}\n";
}

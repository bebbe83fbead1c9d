// Runs one dlib network on made-up numbers and writes down everything that it computes.
//
// record() makes the network's parameters up, gives batch normalisation running statistics by
// running in training mode, converts the trained type into the one that is used (affine for batch
// normalisation, multiply for dropout), runs that, and writes each layer's name, parameters and
// output, and the serialized network.

#pragma once

#include <dlib/dnn.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace oracle {

using namespace dlib;

// Knuth's 64-bit generator (MMIX); the same numbers with every compiler and library.
class numbers {
public:
    explicit numbers(std::uint64_t seed) : state(seed * 2862933555777941757ULL + 3037000493ULL) {}

    // Uniform in -0.5 .. 0.5.
    float next()
    {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<float>(state >> 40) / 16777216.0f - 0.5f;
    }

    unsigned long below(unsigned long limit)
    {
        return static_cast<unsigned long>((next() + 0.5f) * limit) % limit;
    }

private:
    std::uint64_t state;
};

// ---- writing: a name, four sizes, values; the script reads the same ----

class writer {
public:
    explicit writer(const std::string& path) : out(path, std::ios::binary) {}

    void tensor_of(const std::string& name, const tensor& t)
    {
        head(name, {t.num_samples(), t.k(), t.nr(), t.nc()});
        const float* values = t.host();
        out.write(reinterpret_cast<const char*>(values), t.size() * sizeof(float));
    }

    void values(const std::string& name, const std::vector<float>& v, std::vector<long long> sizes)
    {
        head(name, sizes);
        out.write(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(float));
    }

private:
    std::ofstream out;

    void head(const std::string& name, const std::vector<long long>& sizes)
    {
        const std::uint32_t length = static_cast<std::uint32_t>(name.size());
        out.write(reinterpret_cast<const char*>(&length), sizeof(length));
        out.write(name.data(), length);
        for (long long size : sizes)
        {
            const std::int64_t wide = size;
            out.write(reinterpret_cast<const char*>(&wide), sizeof(wide));
        }
    }
};

// ---- samples of every input type: made up, and flattened to plain values ----

struct size_of_sample {
    long k, nr, nc;
    unsigned long tokens;  // integers are drawn below this
};

template <typename T>
void make_value(T& v, numbers& rng, const size_of_sample& size)
{
    if constexpr (std::is_same_v<T, unsigned char>)
        v = static_cast<unsigned char>(rng.below(256));
    else if constexpr (std::is_integral_v<T>)
        v = static_cast<T>(rng.below(size.tokens));
    else if constexpr (std::is_floating_point_v<T>)
        v = 2 * rng.next();
    else
    {
        v.red = static_cast<unsigned char>(rng.below(256));
        v.green = static_cast<unsigned char>(rng.below(256));
        v.blue = static_cast<unsigned char>(rng.below(256));
    }
}

template <typename T>
void list_plane(const T& plane, std::vector<float>& to)
{
    using value = std::decay_t<decltype(plane[0][0])>;
    if constexpr (std::is_same_v<value, rgb_pixel>)
    {
        for (int channel = 0; channel < 3; ++channel)
            for (long r = 0; r < plane.nr(); ++r)
                for (long c = 0; c < plane.nc(); ++c)
                {
                    const rgb_pixel p = plane[r][c];
                    to.push_back(channel == 0 ? p.red : channel == 1 ? p.green : p.blue);
                }
    }
    else
    {
        for (long r = 0; r < plane.nr(); ++r)
            for (long c = 0; c < plane.nc(); ++c)
                to.push_back(static_cast<float>(plane[r][c]));
    }
}

template <typename T, long NR, long NC, typename M, typename L>
void make(matrix<T, NR, NC, M, L>& m, numbers& rng, const size_of_sample& size)
{
    m.set_size(NR == 0 ? size.nr : NR, NC == 0 ? size.nc : NC);
    for (long r = 0; r < m.nr(); ++r)
        for (long c = 0; c < m.nc(); ++c)
            make_value(m(r, c), rng, size);
}

template <typename T, long NR, long NC, typename M, typename L>
void list(const matrix<T, NR, NC, M, L>& m, std::vector<float>& to)
{
    array2d<T> plane(m.nr(), m.nc());
    for (long r = 0; r < m.nr(); ++r)
        for (long c = 0; c < m.nc(); ++c)
            plane[r][c] = m(r, c);
    list_plane(plane, to);
}

template <typename T, typename M>
void make(array2d<T, M>& m, numbers& rng, const size_of_sample& size)
{
    m.set_size(size.nr, size.nc);
    for (long r = 0; r < m.nr(); ++r)
        for (long c = 0; c < m.nc(); ++c)
            make_value(m[r][c], rng, size);
}

template <typename T, typename M>
void list(const array2d<T, M>& m, std::vector<float>& to) { list_plane(m, to); }

template <typename T, std::size_t K>
void make(std::array<T, K>& planes, numbers& rng, const size_of_sample& size)
{
    for (auto& plane : planes) make(plane, rng, size);
}

template <typename T, std::size_t K>
void list(const std::array<T, K>& planes, std::vector<float>& to)
{
    for (const auto& plane : planes) list(plane, to);
}

template <typename T>
void make(std::pair<T, T>& both, numbers& rng, const size_of_sample& size)
{
    make(both.first, rng, size);
    make(both.second, rng, size);
}

inline void make(resizable_tensor& t, numbers& rng, const size_of_sample& size)
{
    t.set_size(1, size.k, size.nr, size.nc);
    for (auto& v : t) v = 2 * rng.next();
}

inline void list(const resizable_tensor& t, std::vector<float>& to)
{
    to.insert(to.end(), t.begin(), t.end());
}

// A batch, in the order of dlib's tensor.
template <typename T> void list_all(const std::vector<T>& batch, std::vector<float>& to)
{
    for (const auto& one : batch) list(one, to);
}

template <typename T>
void list_all(const std::vector<std::pair<T, T>>& batch, std::vector<float>& to)
{
    for (const auto& one : batch) list(one.first, to);
    for (const auto& one : batch) list(one.second, to);
}

// input_tensor takes the abstract class; this is what can be made.
template <typename T> struct concrete { using type = T; };
template <> struct concrete<tensor> { using type = resizable_tensor; };

// ---- layers ----

template <typename D> tensor* parameters_of(D& details)
{
    return &details.get_layer_params();
}
template <unsigned long N, unsigned long L> tensor* parameters_of(embeddings_<N, L>& details)
{
    return &details.get_embeddings();
}

template <typename D> void write_parameters(writer& to, const std::string& at, D& details)
{
    const tensor* parameters = parameters_of(details);
    if (parameters->size() != 0) to.tensor_of(at + "/params", *parameters);
}

inline void write_parameters(writer& to, const std::string& at, affine_& details)
{
    if (details.is_disabled()) return;
    to.tensor_of(at + "/gamma", details.get_gamma());
    to.tensor_of(at + "/beta", details.get_beta());
}

template <layer_mode mode>
void write_parameters(writer& to, const std::string& at, bn_<mode>& details)
{
    std::stringstream stream;
    serialize(details, stream);
    std::string version;
    resizable_tensor params, means, invstds, running_means, running_variances;
    alias_tensor gamma, beta;
    deserialize(version, stream);
    deserialize(params, stream);
    deserialize(gamma, stream);
    deserialize(beta, stream);
    deserialize(means, stream);
    deserialize(invstds, stream);
    deserialize(running_means, stream);
    deserialize(running_variances, stream);
    to.tensor_of(at + "/gamma", gamma(params, 0));
    to.tensor_of(at + "/beta", beta(params, gamma.size()));
    to.tensor_of(at + "/running_means", running_means);
    to.tensor_of(at + "/running_variances", running_variances);
}

// The word of a layer, as dlib prints it.
template <typename D> std::string word(const D& details)
{
    std::stringstream stream;
    stream << details;
    std::string name;
    stream >> name;
    return name;
}

class recorder {
public:
    recorder(writer& to) : to(to) {}

    template <typename D, typename S, typename E>
    void operator()(std::size_t index, add_layer<D, S, E>& layer)
    {
        const std::string at = "layer/" + std::to_string(index) + "/" + word(layer.layer_details());
        write_parameters(to, at, layer.layer_details());
        write_output(at, layer);
    }

    template <unsigned long ID, typename S, typename E>
    void operator()(std::size_t index, add_tag_layer<ID, S, E>& layer)
    {
        write_output("layer/" + std::to_string(index) + "/tag" + std::to_string(ID), layer);
    }

    template <template <typename> class TAG, typename S>
    void operator()(std::size_t index, add_skip_layer<TAG, S>& layer)
    {
        const auto id = std::to_string(tag_id<TAG>::id);
        write_output("layer/" + std::to_string(index) + "/skip" + id, layer);
    }

    template <typename OTHER> void operator()(std::size_t, OTHER&) {}

private:
    writer& to;

    // A layer below one that works in place has no output of its own.
    template <typename L> void write_output(const std::string& at, L& layer)
    {
        try
        {
            const tensor& out = layer.get_output();
            to.tensor_of(at + "/output", out);
        }
        catch (const dlib::error&)
        {
            to.values(at + "/overwritten", {}, {0, 0, 0, 0});
        }
    }
};

class filler {
public:
    filler(std::uint64_t seed) : seed(seed) {}

    template <typename D, typename S, typename E>
    void operator()(std::size_t index, add_layer<D, S, E>& layer)
    {
        numbers rng(seed * 1000 + index);
        for (auto& value : *parameters_of(layer.layer_details())) value = rng.next();
    }

    template <typename OTHER> void operator()(std::size_t, OTHER&) {}

private:
    std::uint64_t seed;
};

template <typename NET> auto samples_for(std::uint64_t seed, long count, const size_of_sample& size)
{
    using sample = typename concrete<std::remove_const_t<typename NET::input_type>>::type;
    numbers rng(seed);
    std::vector<sample> batch(count);
    for (auto& one : batch) make(one, rng, size);
    return batch;
}

// What is below the loss, where there is one.
template <typename NET> NET& body(NET& net) { return net; }
template <typename L, typename S> S& body(add_loss_layer<L, S>& net) { return net.subnet(); }

template <typename NET, typename BATCH>
void run(NET& net, const BATCH& batch, resizable_tensor& x)
{
    net.to_tensor(batch.begin(), batch.end(), x);
    body(net).forward(x);
}

template <typename TRAINED, typename USED>
void record(const std::string& folder, const std::string& name, std::uint64_t seed, long count,
            const size_of_sample& size, bool statistics)
{
    resizable_tensor x;
    TRAINED trained;
    run(trained, samples_for<TRAINED>(seed, 1, size), x);  // this allocates the parameters
    visit_layers(body(trained), filler(seed));
    if (statistics)
        for (int step = 1; step <= 3; ++step)
            run(trained, samples_for<TRAINED>(seed + step, 4, size), x);

    USED used(trained);
    const auto batch = samples_for<USED>(seed, count, size);
    run(used, batch, x);

    writer to(folder + "/" + name + ".values");
    std::vector<float> given;
    list_all(batch, given);
    to.values("given", given, {static_cast<long long>(given.size()), 1, 1, 1});
    to.tensor_of("input", x);
    visit_layers(body(used), recorder(to));

    used.clean();
    serialize(folder + "/" + name + ".dat") << used;
    std::ofstream xml(folder + "/" + name + ".xml");
    net_to_xml(used, xml);
}

}  // namespace oracle

// Writes a network of the model zoo as its trained file is, and what dlib computes with it.
//
// Parameters repeat after 1009 numbers, so that files of a hundred megabytes are small when packed;
// batch normalisation gets its statistics by running. The file is the type that is trained, the
// numbers are those of the type that is used, which reads the file.

#pragma once

#include "harness.h"

#include <dlib/image_processing.h>

namespace oracle {

class periodic {
public:
    template <typename D, typename S, typename E>
    void operator()(std::size_t index, add_layer<D, S, E>& layer)
    {
        std::uint64_t at = 104729 * index;
        for (auto& value : *parameters_of(layer.layer_details()))
            value = static_cast<float>((at++ * 7919) % 1009) / 1009.0f - 0.5f;
    }

    template <typename OTHER> void operator()(std::size_t, OTHER&) {}
};

// Detectors: their options, and as many filters before loss_mmod as they have windows.
template <typename S> void prepare(add_loss_layer<loss_mmod_, S>& net, const mmod_options& options)
{
    net.loss_details() = loss_mmod_(options);
    net.subnet().layer_details().set_num_filters(options.detector_windows.size());
}

template <typename TAGS, typename S>
void prepare(add_loss_layer<TAGS, S>& net, const yolo_options& options)
{
    net.loss_details() = TAGS(options);
}

struct no_options {};
template <typename NET> void prepare(NET&, no_options) {}

template <typename NET> void decided(writer&, NET&, const tensor&, no_options) {}

// The labels of a detector, in the order in which they are numbered.
inline std::vector<std::string> labels_of(const yolo_options& options) { return options.labels; }
inline std::vector<std::string> labels_of(const mmod_options& options)
{
    std::vector<std::string> labels;
    for (const auto& window : options.detector_windows)
        if (std::find(labels.begin(), labels.end(), window.label) == labels.end())
            labels.push_back(window.label);
    return labels;
}

template <typename NET, typename OPTIONS>
void decided(writer& to, NET& net, const tensor& x, const OPTIONS& options)
{
    typename std::decay_t<decltype(net.loss_details())>::output_label_type one;
    std::vector<decltype(one)> found(x.num_samples());
    net.loss_details().to_label(x, net.subnet(), found.begin());
    std::vector<float> rows;
    const auto labels = labels_of(options);
    for (const auto& box : found[0])
    {
        const float label = std::find(labels.begin(), labels.end(), box.label) - labels.begin();
        for (float value : {float(box.rect.left()), float(box.rect.top()), float(box.rect.right()),
                            float(box.rect.bottom()), float(box.detection_confidence), label})
            rows.push_back(value);
    }
    to.values("boxes", rows, {static_cast<long long>(rows.size() / 6), 6, 1, 1});
}

template <typename TRAINED, typename USED, typename OPTIONS, typename BEHIND>
void publish(const std::string& folder, const std::string& name, const size_of_sample& size,
             const OPTIONS& options, const BEHIND& behind)
{
    resizable_tensor x;
    TRAINED trained;
    prepare(trained, options);
    run(trained, samples_for<TRAINED>(1, 1, size), x);  // this allocates the parameters
    visit_layers(body(trained), periodic());
    for (int step = 1; step <= 2; ++step)
        run(trained, samples_for<TRAINED>(step, 2, size), x);
    trained.clean();
    serialize(folder + "/" + name + ".dat") << trained << behind;

    USED used;
    deserialize(folder + "/" + name + ".dat") >> used;
    const auto batch = samples_for<USED>(9, 1, size);
    run(used, batch, x);
    writer to(folder + "/" + name + ".values");
    std::vector<float> given;
    list_all(batch, given);
    to.values("given", given, {static_cast<long long>(given.size()), 1, 1, 1});
    to.tensor_of("output", body(used).get_output());
    decided(to, used, x, options);
}

}  // namespace oracle

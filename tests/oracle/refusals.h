// Asks dlib which sizes it refuses: each question in a process of its own, since dlib's assertions
// end one. Prints a line for each question: its name, a tab, and the assertion that failed, or
// nothing where dlib takes it.

#pragma once

#include "harness.h"

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <iostream>

namespace oracle {

inline std::string failing(const std::string& message)
{
    const std::string before = "Failing expression was ";
    const auto at = message.find(before);
    if (at == std::string::npos) return message.empty() ? "an error" : message;
    const auto start = at + before.size();
    return message.substr(start, message.find('\n', start) - start);
}

inline void ask(const std::string& name, const std::function<void()>& question)
{
    std::cout << name << '\t' << std::flush;
    const pid_t child = fork();
    if (child == 0)
    {
        try { question(); }
        catch (const std::exception& error) { std::cout << failing(error.what()); }
        std::cout << std::flush;
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status)) std::cout << "crashed";
    std::cout << '\n' << std::flush;
}

// What a loss asks of the layers below it.
struct below
{
    resizable_tensor output, gradient;
    long factor;

    below(long n, long k, long nr, long nc, long factor_) : factor(factor_)
    {
        output.set_size(n, k, nr, nc);
        output = 0.5;
        gradient.copy_size(output);
        gradient = 0;
    }

    const tensor& get_output() const { return output; }
    tensor& get_gradient_input() { return gradient; }
    long sample_expansion_factor() const { return factor; }
};

template <typename LOSS> void decide(LOSS loss, long k, long nr, long nc)
{
    below sub(2, k, nr, nc, 1);
    std::vector<typename LOSS::output_label_type> labels(2);
    loss.to_label(sub.output, sub, labels.begin());
}

// Barlow twins decides nothing: it is asked for its value.
inline void decide(loss_barlow_twins_ loss, long k, long nr, long nc)
{
    below sub(4, k, nr, nc, 2);
    loss.compute_loss_value_and_gradient(sub.output, sub);
}

template <typename LOSS> void ask_loss(const std::string& name, LOSS loss)
{
    const long sizes[][3] = {{1, 1, 1}, {2, 1, 1}, {3, 1, 1}, {1, 2, 3}, {2, 2, 3}, {3, 2, 3},
                             {2, 1, 2}, {2, 2, 1}, {5, 1, 1}, {65534, 1, 1}, {65535, 1, 1}};
    for (auto& s : sizes)
    {
        const std::string sizes_of = std::to_string(s[0]) + "," + std::to_string(s[1]) + "," +
                                     std::to_string(s[2]);
        if (std::is_same_v<LOSS, loss_barlow_twins_> && s[0] > 5) continue;  // k by k numbers
        ask(name + "input<" + sizes_of + ">>", [&] { decide(loss, s[0], s[1], s[2]); });
    }
}

template <typename NET> void use(NET& net, size_of_sample size)
{
    resizable_tensor x;
    run(net, samples_for<NET>(1, 2, size), x);
}

template <typename NET> void ask_net(const std::string& name, size_of_sample size)
{
    ask(name, [&] { NET net; use(net, size); });
}

// A detector with its options, from input to objects.
template <typename NET, typename LOSS>
void ask_detector(const std::string& name, LOSS loss, size_of_sample size)
{
    ask(name, [&] {
        NET net;
        net.loss_details() = loss;
        resizable_tensor x;
        run(net, samples_for<NET>(1, 2, size), x);
        std::vector<typename LOSS::output_label_type> labels(2);
        net.loss_details().to_label(x, net.subnet(), labels.begin());
    });
}

}  // namespace oracle

// Asks dlib how the parameters of its layers start, as setup() draws them; prints JSON.
//
//   g++ -std=c++17 -O1 -w -DDLIB_NO_GUI_SUPPORT -I$DLIB_SOURCE initial.cpp \
//       $DLIB_SOURCE/dlib/all/source.cpp -lpthread -o initial && ./initial > initial.json
//
// For each network the layers from its output on: the number of parameters, how many of them are
// zero, and of the others the mean, the deviation, the least and the greatest.

#include <dlib/dnn.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>

using namespace dlib;

const char* apart = "";

template <typename D>
const tensor& parameters(const D& details)
{
    return details.get_layer_params();
}

template <unsigned long N, unsigned long D>
const tensor& parameters(const embeddings_<N, D>& details)
{
    return details.get_embeddings();
}

struct teller
{
    template <typename NET>
    void operator()(size_t, NET&) const {}

    template <typename D, typename S, typename E>
    void operator()(size_t, add_layer<D, S, E>& layer) const
    {
        const tensor& values = parameters(layer.layer_details());
        if (values.size() == 0)
            return;
        running_stats<double> others;
        size_t zeros = 0;
        for (const float value : mat(values))
            if (value == 0)
                ++zeros;
            else
                others.add(value);
        const double least = others.current_n() == 0 ? 0 : others.min();
        const double most = others.current_n() == 0 ? 0 : others.max();
        std::cout << apart << "    [" << values.size() << ", " << zeros << ", " << others.mean() << ", "
                  << (others.current_n() > 1 ? others.stddev() : 0) << ", " << least << ", " << most << "]";
        apart = ",\n";
    }
};

template <typename NET>
void started(const char* text, const char* before, long nr, long nc)
{
    NET net;
    typename NET::input_type sample(nr, nc);
    sample = 1;
    resizable_tensor x;
    net.to_tensor(&sample, &sample + 1, x);
    net.forward(x);
    std::cout << before << "  \"" << text << "\": [\n";
    apart = "";
    visit_layers(net, teller());
    std::cout << "]";
}

#define STARTED(before, nr, nc, ...) started<__VA_ARGS__>(#__VA_ARGS__, before, nr, nc)

int main()
{
    std::cout << "{\n";
    STARTED("", 12, 12,
        fc<8,linear<20,prelu<cont<32,3,3,2,2,bn_con<con<48,5,5,1,1,input<matrix<float>>>>>>>>);
    STARTED(",\n", 16, 24,
        fc_no_bias<64,bn_fc<linear_no_bias<100,rms_norm<layer_norm<input<matrix<float>>>>>>>);
    STARTED(",\n", 12, 1, embeddings<100,64,input<matrix<int,0,1>>>);
    std::cout << "\n}\n";
}

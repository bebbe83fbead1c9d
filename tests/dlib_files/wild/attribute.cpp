#include <dlib/dnn.h>
using namespace dlib;

[[nodiscard]] constexpr int outputs() { return 3; }
struct [[gnu::unused]] alignas(8) sizes
{
    static constexpr int more = 2;
};
using network [[maybe_unused]] = loss_multiclass_log<fc<outputs() + sizes::more, input<matrix<float, 2, 2>>>>;

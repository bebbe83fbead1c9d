#ifndef PARTS_SIZES_H
#define PARTS_SIZES_H
#define PARTS_MORE 4

namespace parts
{
    constexpr int few = 3;
}

#endif

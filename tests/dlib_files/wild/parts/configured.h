#pragma once
#ifndef PARTS_WIDTH
#define PARTS_WIDTH 60
#endif

namespace parts
{
    template <typename SUBNET> using head = dlib::fc<PARTS_WIDTH, SUBNET>;
}

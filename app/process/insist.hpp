// For what a thread cannot go on without: to wait for its next event, or to tell another thread
// something that is told once. It fails for want of memory alone, and is tried again when somebody
// may have given some back. What is done must have done nothing when it throws.
#pragma once

#include "lib/allocation.hpp"

#include <unistd.h>

namespace twincached::app {

template <class Action>
void insist(Action&& action) noexcept {
    constexpr unsigned rest_us = 1000;
    while (!lib::has_memory_for(action))
        ::usleep(rest_us);
}

}  // namespace twincached::app

// What a thread may ask of the system's scheduler without any privilege.
#pragma once

#include <chrono>

namespace twincached::app {

// For a thread that others wait for and that never works for long: it asks for short slices of the
// processor (sched_setattr(2), Linux 6.12 and later), and so takes the core from one that works for
// longer as soon as it wakes. Older systems ignore it.
void ask_for_short_slices(std::chrono::nanoseconds slice) noexcept;

}  // namespace twincached::app

#include "app/process/scheduling.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace twincached::app {
namespace {

// struct sched_attr of <linux/sched/types.h>, which collides with <sched.h> in older libraries.
struct Attributes {
    std::uint32_t size = sizeof(Attributes);
    std::uint32_t policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime_ns = 0;  // of SCHED_OTHER: the slice
    std::uint64_t deadline_ns = 0;
    std::uint64_t period_ns = 0;
};

}  // namespace

void ask_for_short_slices(std::chrono::nanoseconds slice) noexcept {
    constexpr pid_t this_thread = 0;
    Attributes attributes;
    if (::syscall(SYS_sched_getattr, this_thread, &attributes, sizeof attributes, 0) != 0) return;
    if (attributes.policy != SCHED_OTHER) return;
    attributes.runtime_ns = static_cast<std::uint64_t>(slice.count());
    // Refused or unknown: then the thread waits as long as any other.
    (void)::syscall(SYS_sched_setattr, this_thread, &attributes, 0);
}

}  // namespace twincached::app

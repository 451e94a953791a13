// Sends a trace through a simulated policy, or through the real store as its clients would: a get
// that misses is followed by a set of the object, as an application does.
#pragma once

#include "storage/store.hpp"
#include "test/bench/misses/policy.hpp"
#include "test/bench/misses/trace.hpp"

#include <cstdint>

namespace twincached::misses {

struct Misses {
    std::uint64_t gets = 0;
    std::uint64_t misses = 0;
    std::uint64_t refused = 0;  // sets that the store had no memory for

    double ratio() const {
        return gets == 0 ? 0 : static_cast<double>(misses) / static_cast<double>(gets);
    }
};

// `overhead`: what each object takes beside its key and value.
Misses replay(Policy& policy, const Trace& trace, std::uint64_t bytes, std::uint32_t overhead);
Misses replay(storage::Store& store, const Trace& trace);

}  // namespace twincached::misses

// What a run counts. One thread.
#pragma once

#include "test/bench/load/histogram.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::load {

struct Tally {
    std::uint64_t operations = 0;  // answered requests; a get of many keys is one
    std::uint64_t keys = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t stored = 0;
    std::uint64_t errors = 0;
    std::uint64_t bad_values = 0;  // with --verify
    std::uint64_t slowest_ns = 0;
    Histogram latency_ns;
    std::string first_error;

    void answered(std::uint64_t nanoseconds) {
        ++operations;
        latency_ns.record(nanoseconds);
        slowest_ns = std::max(slowest_ns, nanoseconds);
    }
    void failed(std::string_view what) {
        ++errors;
        if (first_error.empty()) first_error = what.substr(0, 200);
    }
};

}  // namespace twincached::load

// What one io thread counts and samples for all of its conversations. Changed by that thread alone,
// so that counting costs no locked instruction; any thread may read it, for reports.
#pragma once

#include "lib/counters.hpp"
#include "protocol/execution/client_memory.hpp"
#include "protocol/execution/counts.hpp"
#include "protocol/observation/latencies.hpp"
#include "protocol/observation/request_sampler.hpp"
#include "storage/size_classes.hpp"

#include <array>

namespace twincached::protocol {

struct ThreadCounters {
    lib::Counters<Count> totals;
    std::array<lib::Counters<ClassCount>, storage::size_class_limit> classes;
    RequestSampler sampler;  // of hot keys
    RequestTimes times;
    ClientMemory memory;
};

}  // namespace twincached::protocol

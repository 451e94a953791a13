// What is counted of each shard's changes, by whoever holds that shard's lock. The rows that say
// what each of them means to a reader of `stats replication` are the driver's.
#pragma once

#include <cstdint>

namespace twincached::replication {

enum class TrackingCounter : std::uint8_t {
    overflows,  // entries that became a mark on their bucket: the log was full, mostly
    conflicts,  // incoming records that met an unacknowledged local change
    dropped_in_doubt,
    evictions,  // no figure: a walk compares it with what it was
    evicted_before_send,
    hints_dropped,
    count_
};

}  // namespace twincached::replication

// What is counted of the link to a repcached, for reports. Written by the replication thread.
#pragma once

#include <cstdint>

namespace twincached::replication::pair {

struct LegacyStats {
    std::uint64_t received = 0;        // changes and items that were taken over
    std::uint64_t passed_over = 0;     // what came while apply = no, or had been changed here since
    std::uint64_t dropped = 0;         // items that a dump lacked
    std::uint64_t dumps_received = 0;  // to their end
    std::uint64_t sent = 0;            // changes and items
    std::uint64_t dumps_sent = 0;      // to their end
    std::uint64_t unsendable = 0;      // keys with blanks or control characters: not sent
    std::uint64_t sent_as_removals = 0;  // too large for an old node, or stale: deleted there
};

}  // namespace twincached::replication::pair

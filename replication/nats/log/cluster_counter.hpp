// What a cluster's node counts; the rows that say what each means are in engine/cluster_report.cpp.
#pragma once

#include <cstdint>

namespace twincached::replication::nats {

enum class ClusterCounter : std::uint8_t {
    messages_sent,
    messages_received,
    messages_refused,
    messages_late,
    records_sent,
    records_received,
    older_updates_ignored,
    apply_nomem,
    versions_refused,
    not_published,
    fetched_items,
    given_items,
    comparisons,
    hints_sent,
    hints_received,
    count_
};

}  // namespace twincached::replication::nats

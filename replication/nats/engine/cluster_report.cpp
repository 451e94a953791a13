#include "replication/nats/engine/cluster_report.hpp"

#include "replication/driver_figures.hpp"

#include <charconv>

namespace twincached::replication::nats {

std::string_view name_of(ClusterState state) noexcept {
    constexpr std::string_view names[] = {"DISCONNECTED", "JOINING", "COMPARING", "IN_STEP"};
    return names[static_cast<std::size_t>(state)];
}

}  // namespace twincached::replication::nats

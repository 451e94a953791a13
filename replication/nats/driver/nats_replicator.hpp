// The driver `nats`: up to four nodes, on one site or several, keep each other in step over a log
// that NATS servers keep. Start-up, stop and reports on the control thread, everything else on the
// replication thread (nats_loop.hpp).
#pragma once

#include "replication/nats/driver/nats_options.hpp"
#include "replication/replicator.hpp"
#include "replication/replicator_factory.hpp"

#include <memory>
#include <string>
#include <vector>

namespace twincached::replication::nats {

// Throws what a person should read.
std::unique_ptr<Replicator> make_nats_replicator(const Setup& setup, Events events);

std::vector<std::string> warnings_of(const Setup& setup);
std::vector<std::string> warnings_from_outside(const Setup& setup);

inline constexpr ReplicatorFactory nats_factory{
    .name = "nats",
    .make = make_nats_replicator,
    .rows = nats_option_rows,
    .check = problems_of,
    .is_meant = is_nats,
    .wants = "a NATS server",
    .given_by = "--nats-servers, or servers in [replication]",
    .warnings = warnings_of,
    .warnings_from_outside = warnings_from_outside,
    .tls = broker_tls_settings,
};

}  // namespace twincached::replication::nats

#include "app/replication_options.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/listeners/listener_options.hpp"
#include "replication/registry.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

// Where clients find this node, if that is one address alone.
std::string only_host(const std::vector<std::string>& listeners) {
    if (listeners.size() != 1) return {};
    const auto only = parse_listener(listeners.front());
    return only ? only->endpoint.host : std::string();
}

}  // namespace

void settle_replication(OptionReader& reader) {
    const auto factories = replication::replicator_factories();
    auto& structs = reader.options().structs();
    replication::choose_driver(factories, structs);
    reader.complain(replication::problems_of(factories, structs));
}

replication::Setup replication_setup(const Options& options, const Certificates& certificates) {
    auto secret = replication::secret_of(options.get<replication::Options>());
    if (secret.has_error()) throw std::runtime_error(secret.error());
    return {.options = options.structs(),
            .secret = std::move(*secret),
            .shards = storage::planned_shard_count(options.get<storage::StoreOptions>()),
            .clients_host = only_host(options.get<ListenerOptions>().listen),
            .software_version = TWINCACHED_VERSION,
            .tls = certificates.link};
}

std::chrono::milliseconds pause_limit(const Options& options) {
    return replication::patience_of_others(replication::replicator_factories(), options.structs());
}

}  // namespace twincached::app

#include "replication/pair/driver/driver_options.hpp"

#include "replication/pair/driver/driver_addresses.hpp"

#include <openssl/rand.h>

#include <stdexcept>

namespace twincached::replication::pair {

namespace {

void fill_with_random(void* bytes, int count) {
    if (RAND_bytes(static_cast<unsigned char*>(bytes), count) != 1) {
        throw std::runtime_error("the system gives no random numbers");
    }
}

}  // namespace

EngineOptions engine_options(const Setup& setup, unsigned node) {
    const auto& shared = setup.options.get<replication::ReplicationOptions>();
    EngineOptions engine;
    engine.chosen = setup.options.get<PairOptions>();
    engine.timing = setup.options.get<Timing>();
    engine.drain_timeout = shared.drain_timeout;
    engine.item_size_limit_bytes = setup.options.get<storage::StoreOptions>().item_size_limit_bytes;
    engine.has_peer = is_pair(setup.options);
    if (engine.has_peer) engine.peer_place = text_of(link_places(setup).peer);
    engine.software_version = setup.software_version;
    engine.arbitration = setup.options.get<ArbitrationDesk::Options>();
    engine.settings = settings_to_compare(setup.options);
    engine.self.cluster = shared.cluster;
    engine.self.secret = setup.secret;
    engine.self.other_secret = setup.old_secret;
    engine.self.node = node;
    engine.self.clock_max_ahead = engine.chosen.clock_max_ahead;
    engine.self.protocol_newest = static_cast<std::uint16_t>(engine.chosen.link_protocol);
    fill_with_random(&engine.self.epoch, sizeof engine.self.epoch);
    engine.self.epoch |= 1;  // never 0
    fill_with_random(engine.entropy.data(), static_cast<int>(engine.entropy.size()));
    return engine;
}

}  // namespace twincached::replication::pair

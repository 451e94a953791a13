#include "replication/pair/driver/driver_options.hpp"

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

EngineOptions engine_options(const Options& options, unsigned node) {
    EngineOptions engine;
    engine.self.cluster = options.cluster;
    engine.self.secret = options.secret;
    engine.self.node = node;
    engine.self.clock_max_ahead = options.clock_max_ahead;
    fill_with_random(&engine.self.epoch, sizeof engine.self.epoch);
    engine.self.epoch |= 1;  // never 0
    fill_with_random(engine.entropy.data(), static_cast<int>(engine.entropy.size()));
    engine.timing.heartbeat = options.heartbeat;
    engine.timing.silence = options.silence;
    engine.timing.boot_grace = options.boot_grace;
    engine.timing.sync_serve = options.sync_serve_timeout;
    engine.has_peer = !options.peer_host.empty();
    engine.sync_rate_bytes = options.sync_rate_bytes;
    engine.scrub_interval_ms = static_cast<std::uint64_t>(options.scrub_interval.count());
    engine.drain_timeout = options.drain_timeout;
    engine.item_size_limit_bytes = options.item_size_limit_bytes;
    engine.software_version = options.software_version;
    engine.on_split = options.on_split;
    engine.flush_on_peer_crash = options.flush_on_peer_crash;
    engine.settings = options.settings;
    if (options.link_protocol != 0) engine.self.protocol_newest = options.link_protocol;
    return engine;
}

}  // namespace twincached::replication::pair

// What the parts of a cluster's node stand on: a store of one shard, its sink, nothing to be
// compared; and a broker that does nothing.
#pragma once

#include "lib/hash.hpp"
#include "replication/nats/broker.hpp"
#include "replication/nats/cluster_options.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/removals/cluster_sink.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// Notes what was asked of it last, and does nothing.
struct NotedBroker : Broker {
    void look(StreamId) override {}
    void publish(Token with, std::string_view payload) override {
        token = with;
        published = payload;
    }
    void consume(StreamId, Sequence from) override { consumed_from = from; }
    void stop_consuming(StreamId) override {}
    void serve(std::string_view, bool) override {}
    void ask(Token, std::string_view, std::string_view) override {}
    void reply(std::string_view, std::string_view) override {}
    void tell(std::string_view, std::string_view) override {}
    void yield_number(std::string_view) override {}

    Token token = 0;
    std::string published;
    Sequence consumed_from = 0;
};

struct ClusterRoom {
    ClusterOptions options;
    ClusterSink sink{1, 1U << 20};
    storage::Now now;
    storage::Store store{store_options(), lib::KeyedHash("secret"), sink};
    ClusterContext context{
        .options = options, .sink = sink, .now = now, .members = MemberTable({}, 0)};

    ClusterRoom() {
        now.steady_ms = 1000;
        now.version_ms = 1ULL << 30;
        context.store = &store;
        buckets().forget();
        tracking().refresh_gauges();
    }
    static storage::StoreOptions store_options() {
        auto options = storage::default_store_options();
        options.shards = 1;
        options.node = 0;
        options.memory_limit_bytes = 16U << 20;
        return options;
    }

    ShardTracking& tracking() { return sink.changes().shard(0); }
    Buckets& buckets() { return tracking().buckets; }
    storage::BucketNumber bucket_of(std::string_view key) {
        return storage::bucket_of(store.key(key).hash);
    }
    void set(std::string_view key, std::string_view value) {
        storage::Write write;
        write.value = value;
        (void)store.write(store.key(key), now, write);
    }
    void remove(std::string_view key) { (void)store.remove(store.key(key), now, {}); }
    storage::Version held(std::string_view key) {
        storage::Version version = 0;
        store.peek(store.key(key), now,
                   [&](const storage::ItemView& item) { version = item.version; });
        return version;
    }
};

}  // namespace twincached::replication::nats

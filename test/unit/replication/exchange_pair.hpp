// Two real exchanges over two real stores, no link between them but bytes that are handed over when
// a test says so: what lies in a node's buffer has been said and not arrived.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "storage/store.hpp"

#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

// What a test may want of a node that others do not.
struct ExchangeSetup {
    std::size_t log_bytes = 1U << 20;
    std::uint64_t scrub_interval_ms = 0;
    unsigned shards = 1;
};

struct ExchangeNode {
    ExchangeNode(unsigned number, const ExchangeSetup& setup)
        : sink(setup.shards, setup.log_bytes),
          store(store_options(number, setup.shards), lib::KeyedHash(), sink),
          exchange(sink, {.epoch = 11 + number,
                          .node = number,
                          .scrub_interval_ms = setup.scrub_interval_ms}) {
        exchange.attach(store);
    }
    static storage::StoreOptions store_options(unsigned number, unsigned shards = 1) {
        auto options = storage::default_store_options();
        options.node = number;
        options.shards = shards;
        options.memory_limit_bytes = 16U << 20;
        return options;
    }
    ExchangeStats stats() const { return exchange.stats(); }

    ChangeSink sink;
    storage::Store store;
    Exchange exchange;
    lib::ByteBuffer out;
};

struct ExchangePair {
    explicit ExchangePair(const ExchangeSetup& of_a = {}, const ExchangeSetup& of_b = {})
        : a(0, of_a), b(1, of_b) {}

    ExchangeNode a;
    ExchangeNode b;
    storage::Now now{.steady_ms = 10'000, .version_ms = 1'000'000};

    void pass(std::uint64_t ms) {
        now.steady_ms += ms;
        now.version_ms += ms;
    }

    // --- the session -------------------------------------------------------------------------
    // `protocol`: what the two have agreed on. `limit`: of b's items, as its HELLO says.
    void link(std::uint16_t protocol = protocol_newest, std::uint64_t limit = 0) {
        auto hello_a = a.exchange.standing(now);
        auto hello_b = b.exchange.standing(now);
        hello_a.protocol = hello_b.protocol = protocol;
        hello_b.item_size_limit = limit;
        a.exchange.begin(hello_b, now);
        b.exchange.begin(hello_a, now);
    }
    void cut() {
        for (ExchangeNode* node : {&a, &b}) {
            node->exchange.end();
            node->out.clear();
        }
    }
    // What the node has to say now. False: nothing.
    bool speak(ExchangeNode& node) {
        constexpr std::size_t budget = 4U << 20;
        bool any = false;
        while (node.exchange.produce(node.out, budget, now) > 0)
            any = true;
        return any;
    }
    // False: nothing lay there.
    bool deliver(ExchangeNode& from, ExchangeNode& to) {
        for (bool any = false;; any = true) {
            const auto read = read_frame(from.out.readable());
            if (read.status != FrameStatus::complete) return any;
            REQUIRE(to.exchange.on_frame(read.frame, now));
            from.out.consume(read.size);
        }
    }
    void come_to_rest() {
        for (bool any = true; any;) {
            speak(a);
            speak(b);
            any = deliver(a, b);
            any = deliver(b, a) || any;
        }
    }

    // --- what clients do ---------------------------------------------------------------------
    void set(ExchangeNode& node, std::string_view key, std::string_view value,
             storage::Expiry expiry = {}) {
        pass(1);
        storage::Write write;
        write.value = value;
        write.expiry = expiry;
        node.store.write(node.store.key(key), now, write);
    }
    std::string get(ExchangeNode& node, std::string_view key) {
        std::string value = "(miss)";
        node.store.get(node.store.key(key), now,
                       [&](const storage::ItemView& item) { value = item.value; });
        return value;
    }
    storage::Expiry in(storage::Tick seconds) const {
        return storage::Expiry::at(now.tick() + seconds);
    }

    // --- what nobody does, but what may have happened ----------------------------------------
    storage::Version version_of(ExchangeNode& node, std::string_view name) {
        const auto key = node.store.key(name);
        storage::Version version = 0;
        node.store.with_shard(0, [&](storage::Shard& shard) {
            shard.peek(key, now, [&](const storage::ItemView& item) { version = item.version; });
        });
        return version;
    }
    // The item goes, and nobody is told.
    void lose(ExchangeNode& node, std::string_view key) {
        node.store.with_shard(
            0, [&](storage::Shard& shard) { shard.drop_in_doubt(node.store.key(key), now); });
    }
};

}  // namespace twincached::replication::pair

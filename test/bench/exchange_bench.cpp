// Two exchanges over two stores in one thread: what the link stage costs both ends together.
#include "lib/byte_buffer.hpp"
#include "lib/hash.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/records/frame.hpp"
#include "storage/store.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

constexpr unsigned shards = 4;
const storage::Now now{10'000, 1'000'000, 1'800'000'000};

struct Node {
    Node(unsigned number, std::uint64_t memory)
        : sink(shards, 64U << 20),
          store(options(number, memory), lib::KeyedHash("bench"), sink),
          exchange(sink, {number + 1, number, 0}) {
        exchange.attach(store);
    }
    static storage::StoreOptions options(unsigned number, std::uint64_t memory) {
        auto options = storage::default_store_options();
        options.memory_limit_bytes = memory;
        options.shards = shards;
        options.node = number;
        return options;
    }
    void fill(std::uint64_t items) {
        storage::Write request;
        const std::string value(100, 'v');
        request.value = value;
        for (std::uint64_t i = 0; i < items; ++i) {
            const auto key = "key:" + std::to_string(i);
            (void)store.write(store.key(key), now, request);
        }
    }

    ChangeSink sink;
    storage::Store store;
    Exchange exchange;
};

std::size_t carry(Node& from, Node& to) {
    lib::ByteBuffer out;
    (void)from.exchange.produce(out, 1U << 20, now);
    const auto size = out.size();
    for (auto read = read_frame(out.readable()); read.status == FrameStatus::complete;
         read = read_frame(out.readable())) {
        if (!to.exchange.on_frame(read.frame, now)) std::abort();
        out.consume(read.size);
    }
    return size;
}

void link(Node& a, Node& b) {
    const auto hello = a.exchange.standing(now);
    a.exchange.begin(b.exchange.standing(now), now);
    b.exchange.begin(hello, now);
}

void settle(Node& a, Node& b) {
    while (carry(a, b) + carry(b, a) > 0) {
    }
}

void fresh_join(benchmark::State& state) {
    const auto items = static_cast<std::uint64_t>(state.range(0));
    for (auto _ : state) {
        state.PauseTiming();
        {
            Node full(0, 1ULL << 30);
            Node fresh(1, 1ULL << 30);
            full.fill(items);
            state.ResumeTiming();
            link(full, fresh);
            settle(full, fresh);
            state.PauseTiming();
            if (fresh.store.stats().total.items != items) state.SkipWithError("items are missing");
        }
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(fresh_join)->Arg(500'000)->Unit(benchmark::kMillisecond)->Iterations(1);

// Small changes, linked: each iteration writes (not timed) and carries a million bytes or so.
void changes(benchmark::State& state) {
    constexpr std::uint64_t batch = 10'000;
    Node a(0, 256U << 20);
    Node b(1, 256U << 20);
    link(a, b);
    settle(a, b);
    for (auto _ : state) {
        state.PauseTiming();
        a.fill(batch);
        state.ResumeTiming();
        settle(a, b);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}
BENCHMARK(changes)->Unit(benchmark::kMillisecond);

// What the sink adds to a write, in a clean bucket.
void on_change(benchmark::State& state) {
    ChangeSink sink(1, 64U << 20);
    auto& tracking = sink.shard(0);
    for (std::size_t i = 0; i < storage::bucket_count; ++i) {
        tracking.buckets.begin_walk(static_cast<storage::BucketNumber>(i), 1);
        tracking.buckets.end_walk(static_cast<storage::BucketNumber>(i));
    }
    std::uint64_t i = 0;
    for (auto _ : state) {
        const std::uint64_t hash = (++i) * 0x9E3779B97F4A7C15ULL;
        const storage::Version version = i << 13;
        benchmark::DoNotOptimize(sink.on_change(
            0, {{"key:1234567890", hash}, 0, version, version, storage::Cause::local_write}));
        if (i % 4096 != 0) continue;
        state.PauseTiming();
        ChangeLog::Position position = 0;
        while (const auto found = tracking.log.next_unsent()) {
            position = tracking.log.mark_sent(found);
        }
        tracking.log.acknowledge(position);
        state.ResumeTiming();
    }
}
BENCHMARK(on_change);

}  // namespace

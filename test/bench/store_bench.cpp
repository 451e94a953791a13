// The store alone, on one thread and on two: what an operation costs, and what an item costs.

#include "lib/hash.hpp"
#include "lib/random.hpp"
#include "storage/store.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::storage {
namespace {

constexpr std::size_t value_bytes = 100;
constexpr std::size_t many = 100;
constexpr std::uint64_t million_items = 1'000'000;

StoreOptions options_for(std::uint64_t mebibytes) {
    auto options = default_store_options();
    options.memory_limit_bytes = mebibytes << 20;
    options.threads = 4;
    options.node = 0;
    return options;
}

// Keys of 14 bytes, as the figures of memcached were taken with.
class KeyText {
  public:
    explicit KeyText(std::uint64_t number) noexcept {
        for (std::size_t i = sizeof text_; i-- > 4; number /= 10)
            text_[i] = static_cast<char>('0' + number % 10);
    }
    operator std::string_view() const noexcept { return {text_, sizeof text_}; }

  private:
    char text_[14] = {'k', 'e', 'y', ':'};
};

class Filled {
  public:
    Filled(std::uint64_t mebibytes, std::uint64_t items, std::size_t size)
        : store(options_for(mebibytes), lib::KeyedHash("bench"), sink), value(size, 'v') {
        for (std::uint64_t i = 0; i < items; ++i)
            set(i);
    }
    WriteResult set(std::uint64_t number) noexcept {
        Write write;
        write.value = value;
        return store.write(store.key(KeyText(number)), now, write);
    }

    NoReplication sink;
    Store store;
    Now now;
    std::string value;
};

Filled& million() {
    static Filled filled(512, million_items, value_bytes);
    return filled;
}

void get(benchmark::State& state) {
    Filled& filled = million();
    lib::Random random(static_cast<std::uint64_t>(state.thread_index()) + 1);
    std::size_t bytes = 0;
    for (auto _ : state) {
        const KeyText text(random.below(million_items));
        filled.store.get(filled.store.key(text), filled.now,
                         [&](const ItemView& item) { bytes += item.value.size(); });
    }
    benchmark::DoNotOptimize(bytes);
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(get)->ThreadRange(1, 2)->UseRealTime();

void set_over(benchmark::State& state) {
    Filled& filled = million();
    lib::Random random(static_cast<std::uint64_t>(state.thread_index()) + 1);
    for (auto _ : state)
        filled.set(random.below(million_items));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(set_over)->ThreadRange(1, 2)->UseRealTime();

void get_many(benchmark::State& state) {
    Filled& filled = million();
    lib::Random random(1);
    std::vector<KeyText> texts(many, KeyText(0));
    std::vector<Key> keys(many);
    std::size_t bytes = 0;
    for (auto _ : state) {
        for (std::size_t i = 0; i < many; ++i) {
            texts[i] = KeyText(random.below(million_items));
            keys[i] = filled.store.key(texts[i]);
        }
        filled.store.get_many(
            keys, filled.now, plain_get,
            [&](std::size_t, const ItemView& item, const ReadMarks&) {
                bytes += item.value.size();
            },
            [](std::size_t, Miss) {});
    }
    benchmark::DoNotOptimize(bytes);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(many));
}
BENCHMARK(get_many)->UseRealTime();

// New keys into a full store: every insertion pays for an eviction.
void set_new_evicting(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    std::uint64_t number = 2'000'000;
    Filled filled(64, number, size);
    std::vector<double> took;
    for (auto _ : state) {
        const auto begin = std::chrono::steady_clock::now();
        filled.set(number++);
        const std::chrono::duration<double, std::micro> time =
            std::chrono::steady_clock::now() - begin;
        if (time.count() > 20) took.push_back(time.count());  // it emptied a slab
    }
    std::sort(took.begin(), took.end());
    state.SetItemsProcessed(state.iterations());
    if (took.empty()) return;
    state.counters["slab_median_us"] = took[took.size() / 2];
    state.counters["slab_p99_us"] = took[took.size() * 99 / 100];
}
BENCHMARK(set_new_evicting)->Arg(8)->Arg(100)->UseRealTime();

void set_large(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    Filled filled(64, 2000, size);
    std::uint64_t number = 0;
    for (auto _ : state) {
        filled.set(number++);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}
BENCHMARK(set_large)->Arg(4 << 10)->Arg(16 << 10)->Arg(100 << 10)->Arg(1000 << 10)->UseRealTime();

// Not a time: the bytes of memory per item beyond its key and value.
void overhead_per_item(benchmark::State& state) {
    const auto items = static_cast<std::uint64_t>(state.range(0));
    const auto size = static_cast<std::size_t>(state.range(1));
    double overhead = 0;
    for (auto _ : state) {
        Filled filled(4096, items, size);
        const StoreStats stats = filled.store.stats();
        overhead = static_cast<double>(stats.memory_used) / static_cast<double>(stats.total.items) -
                   static_cast<double>(size + std::string_view(KeyText(0)).size());
    }
    state.counters["bytes"] = overhead;
}
BENCHMARK(overhead_per_item)
    ->Args({1'000'000, 32})
    ->Args({1'000'000, 100})
    ->Args({5'000'000, 32})
    ->Args({5'000'000, 100})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// The same where memory is full and ghosts are kept.
void overhead_when_full(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    double overhead = 0;
    for (auto _ : state) {
        Filled filled(64, 2'000'000, size);
        const StoreStats stats = filled.store.stats();
        overhead =
            static_cast<double>(stats.memory_limit) / static_cast<double>(stats.total.items) -
            static_cast<double>(size + std::string_view(KeyText(0)).size());
        state.counters["items"] = static_cast<double>(stats.total.items);
    }
    state.counters["bytes"] = overhead;
}
BENCHMARK(overhead_when_full)->Arg(32)->Arg(300)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace twincached::storage

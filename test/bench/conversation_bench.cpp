// What a request costs between the bytes of a socket and the store, without the socket: parse,
// execute, answer. Counted per command (or per key of a multi-get).
#include "protocol/conversation.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace twincached::protocol::test {

namespace {

constexpr std::size_t key_count = 1 << 16;
constexpr std::size_t value_size = 100;

std::string key_of(std::size_t number) {
    return "key:" + std::to_string(1'000'000'000 + number % key_count);
}

// A server that holds all keys, and one conversation with it.
class Bench {
  public:
    Bench() : service_(options()), conversation_(service_, service_.counters) {
        service_.settings_to_change().requests_per_event = 1U << 20;
        for (std::size_t i = 0; i < key_count; ++i)
            exchange(set_of(i));
    }

    static std::string set_of(std::size_t number) {
        return "set " + key_of(number) + " 0 0 " + std::to_string(value_size) + "\r\n" +
               std::string(value_size, 'v') + "\r\n";
    }

    std::size_t exchange(std::string_view request) {
        input_.append(request);
        std::size_t answered = 0;
        while (conversation_.advance(input_, output_, now_) != Next::read_more)
            answered += drop();
        return answered + drop();
    }

    SharedState& shared() noexcept { return service_.shared(); }

  private:
    static storage::StoreOptions options() {
        auto options = TestService::small_store();
        options.memory_limit_bytes = 256 << 20;
        return options;
    }

    std::size_t drop() {
        const auto size = output_.size();
        output_.consume(size);
        return size;
    }

    TestService service_;
    Conversation conversation_;
    lib::ByteBuffer input_;
    Output output_;
    storage::Now now_ = some_time();
};

// Requests prepared beforehand, taken in turn, so that the keys do not stay in the cache.
template <class MakeRequest>
void run(benchmark::State& state, std::size_t per_request, MakeRequest make,
         void (*prepare)(SharedState&) = nullptr) {
    Bench bench;
    if (prepare != nullptr) prepare(bench.shared());
    std::vector<std::string> requests;
    for (std::size_t i = 0; i < 4096; ++i)
        requests.push_back(make(i));
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(bench.exchange(requests[next++ & 4095]));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(per_request));
}

// Scattered, as the keys of real requests are.
std::size_t scatter(std::size_t number) {
    return number * 40503;
}

std::string repeat(std::size_t seed, std::size_t count, std::string_view before,
                   std::string_view after) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += before;
        text += key_of(scatter(seed * count + i));
        text += after;
    }
    return text;
}

void get(benchmark::State& state) {
    run(state, 1, [](std::size_t i) { return "get " + key_of(scatter(i)) + "\r\n"; });
}
void get_miss(benchmark::State& state) {
    run(state, 1, [](std::size_t i) { return "get no" + key_of(scatter(i)) + "\r\n"; });
}
void gets(benchmark::State& state) {
    run(state, 1, [](std::size_t i) { return "gets " + key_of(scatter(i)) + "\r\n"; });
}
void set(benchmark::State& state) {
    run(state, 1, [](std::size_t i) { return Bench::set_of(scatter(i)); });
}
void meta_get(benchmark::State& state) {
    run(state, 1, [](std::size_t i) { return "mg " + key_of(scatter(i)) + " v f c\r\n"; });
}
void multi_get(benchmark::State& state) {
    const auto keys = static_cast<std::size_t>(state.range(0));
    run(state, keys, [&](std::size_t i) { return "get" + repeat(i, keys, " ", "") + "\r\n"; });
}
void pipelined_get(benchmark::State& state) {
    const auto depth = static_cast<std::size_t>(state.range(0));
    run(state, depth, [&](std::size_t i) { return repeat(i, depth, "get ", "\r\n"); });
}
void pipelined_gets(benchmark::State& state) {
    const auto depth = static_cast<std::size_t>(state.range(0));
    run(state, depth, [&](std::size_t i) { return repeat(i, depth, "gets ", "\r\n"); });
}
void pipelined_set(benchmark::State& state) {
    const auto depth = static_cast<std::size_t>(state.range(0));
    const auto value = " 0 0 100\r\n" + std::string(value_size, 'v') + "\r\n";
    run(state, depth, [&](std::size_t i) { return repeat(i, depth, "set ", value); });
}

// With statistics on that are off by default.
void get_with_hot_keys(benchmark::State& state) {
    run(
        state, 1, [](std::size_t i) { return "get " + key_of(scatter(i)) + "\r\n"; },
        [](SharedState& shared) { shared.observation.hot_keys.set_enabled(true); });
}
void get_with_prefixes(benchmark::State& state) {
    run(
        state, 1, [](std::size_t i) { return "get " + key_of(scatter(i)) + "\r\n"; },
        [](SharedState& shared) { shared.observation.prefixes.set_enabled(true); });
}

BENCHMARK(get);
BENCHMARK(get_with_hot_keys);
BENCHMARK(get_with_prefixes);
BENCHMARK(get_miss);
BENCHMARK(gets);
BENCHMARK(set);
BENCHMARK(meta_get);
BENCHMARK(multi_get)->Arg(10)->Arg(100);
BENCHMARK(pipelined_get)->Arg(16)->Arg(50);
BENCHMARK(pipelined_gets)->Arg(16);
BENCHMARK(pipelined_set)->Arg(16);

}  // namespace

}  // namespace twincached::protocol::test

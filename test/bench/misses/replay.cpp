#include "test/bench/misses/replay.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::misses {

namespace {

// When the objects of a policy expire. What was stored anew has several entries, of which the last
// counts.
class Calendar {
  public:
    explicit Calendar(std::uint32_t objects) : ends_(objects) {}

    void note(const Request& request) {
        ends_[request.object] = request.lifetime == 0 ? 0 : request.second + request.lifetime;
        if (request.lifetime != 0) due_.push({ends_[request.object], request.object});
    }
    void drop_expired(std::uint32_t second, Policy& policy) {
        for (; !due_.empty() && due_.top().first <= second; due_.pop()) {
            const auto [end, object] = due_.top();
            if (ends_[object] == end) policy.drop(object);
        }
    }

  private:
    using Due = std::pair<std::uint32_t, std::uint32_t>;
    std::vector<std::uint32_t> ends_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

// A key of the real length, different for every object.
std::string_view key_of(const Request& request, std::array<char, 256>& text) {
    text.fill('k');
    std::uint32_t number = request.object;
    const std::size_t size = request.key_bytes;
    const bool is_short = size < 8;
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i) {
        text[size - 1 - i] =
            is_short ? static_cast<char>(number & 255) : "0123456789abcdef"[number & 15];
        number >>= is_short ? 8 : 4;
    }
    return {text.data(), size};
}

}  // namespace

Misses replay(Policy& policy, const Trace& trace, std::uint64_t bytes, std::uint32_t overhead) {
    Misses result;
    Calendar calendar(trace.objects);
    for (std::size_t i = 0; i < trace.requests.size(); ++i) {
        const Request& request = trace.requests[i];
        policy.at(i);
        calendar.drop_expired(request.second, policy);
        if (request.operation == Operation::remove) {
            policy.drop(request.object);
            continue;
        }
        if (request.operation == Operation::get) {
            ++result.gets;
            if (policy.get(request.object)) continue;
            ++result.misses;
        }
        const std::uint32_t size = request.key_bytes + request.value_bytes + overhead;
        if (size > bytes) {
            policy.drop(request.object);
            ++result.refused;
            continue;
        }
        policy.put(request.object, size);
        calendar.note(request);
    }
    return result;
}

// A second of the trace is a second of the store, and upkeep has all the time that it wants.
Misses replay(storage::Store& store, const Trace& trace) {
    Misses result;
    storage::Now now;
    std::uint32_t second = 0;
    std::array<char, 256> text{};
    std::string blob(1 << 20, 'v');
    for (const Request& request : trace.requests) {
        now.steady_ms = (std::uint64_t{storage::first_tick} + request.second) * 1000;
        now.version_ms = now.steady_ms;
        for (; second < request.second; ++second)
            while (store.maintain(now).count() == 0) {
            }
        const storage::Key key = store.key(key_of(request, text));
        if (request.operation == Operation::remove) {
            store.remove(key, now, {});
            continue;
        }
        if (request.operation == Operation::get) {
            ++result.gets;
            if (store.get(key, now, [](const storage::ItemView&) {}).hit()) continue;
            ++result.misses;
        }
        if (request.value_bytes > blob.size()) blob.resize(request.value_bytes, 'v');
        storage::Write write;
        write.value = std::string_view(blob).substr(0, request.value_bytes);
        if (request.lifetime != 0)
            write.expiry = storage::Expiry::at(now.tick() + request.lifetime);
        if (store.write(key, now, write).outcome != storage::WriteOutcome::stored) ++result.refused;
    }
    return result;
}

}  // namespace twincached::misses

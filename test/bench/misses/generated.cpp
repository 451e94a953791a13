#include "test/bench/misses/generated.hpp"

#include "lib/random.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <unordered_map>

namespace twincached::misses {

namespace {

constexpr std::uint16_t key_bytes = 24;
constexpr double pi = 3.14159265358979323846;

// What a maker draws from, and where its requests go.
class Maker {
  public:
    explicit Maker(const Making& making)
        : making_(making), random_(making.seed * 0x9E3779B97F4A7C15ULL + 1) {
        trace_.requests.reserve(making.requests);
    }

    double unit() { return static_cast<double>(random_.next() >> 11) * 0x1.0p-53; }
    bool happens(double probability) { return unit() < probability; }
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
    bool is_done() const { return trace_.requests.size() >= making_.requests; }
    std::size_t made() const { return trace_.requests.size(); }
    std::size_t wanted() const { return making_.requests; }

    // Rank 0 is drawn most often. Inverts the continuous distribution, which is near enough.
    std::uint64_t zipf(std::uint64_t ranks, double exponent) {
        const double s = 1 - exponent;
        const double last = static_cast<double>(ranks);
        const double x = std::abs(s) < 1e-9 ? std::pow(last, unit())
                                            : std::pow(1 + unit() * (std::pow(last, s) - 1), 1 / s);
        return std::min(ranks - 1, static_cast<std::uint64_t>(x) - 1);
    }
    // The same object always has the same size, whatever was drawn before.
    std::uint32_t log_normal(std::uint64_t id, double median, double sigma) const {
        lib::Random own(id * 31 + making_.seed);
        const auto draw = [&] { return (static_cast<double>(own.next() >> 11) + 1) * 0x1.0p-53; };
        const double normal = std::sqrt(-2 * std::log(draw())) * std::cos(2 * pi * draw());
        return static_cast<std::uint32_t>(
            std::clamp(median * std::exp(sigma * normal), 1.0, 900'000.0));
    }
    // `id`: any number; a thousand requests are a second.
    void get(std::uint64_t id, std::uint32_t value_bytes, std::uint32_t lifetime = 0) {
        const auto number =
            numbers_.try_emplace(id, static_cast<std::uint32_t>(numbers_.size())).first;
        const double scaled = std::min(1'000'000.0, value_bytes * making_.size_scale);
        Request request;
        request.second = static_cast<std::uint32_t>(trace_.requests.size() / 1000);
        request.lifetime = lifetime;
        request.object = number->second;
        request.value_bytes = static_cast<std::uint32_t>(std::max(1.0, scaled));
        request.key_bytes = key_bytes;
        trace_.requests.push_back(request);
    }
    Trace take(const std::string& name) {
        trace_.name = name;
        trace_.objects = static_cast<std::uint32_t>(numbers_.size());
        return std::move(trace_);
    }

  private:
    Making making_;
    lib::Random random_;
    Trace trace_;
    std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
};

// Objects by how lately they were asked for: a Fenwick tree over the requests so far has a one
// where an object was asked for last.
class LruStack {
  public:
    explicit LruStack(std::size_t requests) : sums_(requests + 1), ids_(requests + 1) {}

    std::uint64_t size() const { return size_; }
    // Distance 0 is the latest. REQUIRES: distance < size().
    std::uint64_t take(std::uint64_t distance) {
        std::uint64_t left = size_ - distance;  // the so many-th one from the bottom
        std::size_t place = 0;
        for (std::size_t step = std::size_t{1} << 40; step != 0; step /= 2) {
            if (place + step >= sums_.size() || sums_[place + step] >= left) continue;
            place += step;
            left -= sums_[place];
        }
        add(place + 1, -1);
        --size_;
        return ids_[place + 1];
    }
    void push(std::uint64_t id) {
        ids_[++last_] = id;
        add(last_, 1);
        ++size_;
    }

  private:
    void add(std::size_t place, int one) {
        for (; place < sums_.size(); place += place & (~place + 1))
            sums_[place] += static_cast<std::uint64_t>(static_cast<std::int64_t>(one));
    }

    std::vector<std::uint64_t> sums_;
    std::vector<std::uint64_t> ids_;
    std::size_t last_ = 0;
    std::uint64_t size_ = 0;
};

// Distances spread evenly over their logarithm, and one request in twelve for something new: what
// recency alone is best at.
void make_stack(Maker& maker) {
    LruStack stack(maker.wanted());
    std::uint64_t next = 0;
    while (!maker.is_done()) {
        std::uint64_t id = next;
        if (stack.size() == 0 || maker.happens(1.0 / 12)) {
            ++next;
        } else {
            const double most = std::log(static_cast<double>(stack.size()) + 1);
            id = stack.take(static_cast<std::uint64_t>(std::exp(maker.unit() * most)) - 1);
        }
        stack.push(id);
        maker.get(id, maker.log_normal(id, 400, 1));
    }
}

// One loop over 30 MB, which recency gets nothing of in less.
void make_loop(Maker& maker) {
    for (std::uint64_t id = 0; !maker.is_done(); id = (id + 1) % 75'000)
        maker.get(id, 360);
}

// Three loops of 3, 20 and 120 MB in turn, beside a few that are asked for at random.
void make_loops(Maker& maker) {
    struct Loop {
        std::uint64_t begin, length, next;
    };
    std::vector<Loop> loops = {{0, 8'000, 0}, {1 << 20, 50'000, 0}, {1 << 21, 300'000, 0}};
    while (!maker.is_done()) {
        if (maker.happens(0.2)) {
            const std::uint64_t id = (1 << 22) + maker.zipf(20'000, 0.8);
            maker.get(id, maker.log_normal(id, 300, 0.7));
            continue;
        }
        Loop& loop = loops[maker.below(loops.size())];
        maker.get(loop.begin + loop.next, 360);
        loop.next = (loop.next + 1) % loop.length;
    }
}

// Half of all requests go to a hot set, half are long scans over 200 MB.
void make_scan(Maker& maker) {
    std::uint64_t next = 0;
    while (!maker.is_done()) {
        for (unsigned i = 0; i < 20'000 && !maker.is_done(); ++i) {
            const std::uint64_t id = maker.zipf(100'000, 0.8);
            maker.get(id, maker.log_normal(id, 300, 0.7));
        }
        for (unsigned i = 0; i < 20'000 && !maker.is_done(); ++i) {
            next = (next + 1) % 500'000;
            maker.get((1 << 22) + next, 400);
        }
    }
}

// The ranks move on: what was hot is cold after 100,000 requests.
void make_drift(Maker& maker) {
    while (!maker.is_done()) {
        const std::uint64_t moved = maker.made() / 100'000 * 40'000;
        const std::uint64_t id = moved + maker.zipf(200'000, 0.9);
        maker.get(id, maker.log_normal(id, 400, 0.8));
    }
}

void make_zipf(Maker& maker, double exponent, double sigma) {
    while (!maker.is_done()) {
        const std::uint64_t id = maker.zipf(400'000, exponent);
        maker.get(id, maker.log_normal(id, 300, sigma));
    }
}

// Every twentieth second some hundred values of 50 to 500 kB that nobody asks for again.
void make_bursts(Maker& maker) {
    std::uint64_t next = 1 << 22;
    while (!maker.is_done()) {
        if (maker.made() % 20'000 == 19'999)
            for (unsigned i = 0; i < 100 && !maker.is_done(); ++i)
                maker.get(next++, static_cast<std::uint32_t>(50'000 + maker.below(450'000)));
        const std::uint64_t id = maker.zipf(200'000, 0.9);
        maker.get(id, maker.log_normal(id, 300, 0.8));
    }
}

// Sessions of a minute or less, new ones all the time, beside what is kept for ever.
void make_short(Maker& maker) {
    while (!maker.is_done()) {
        if (maker.happens(0.4)) {
            const std::uint64_t id = maker.zipf(200'000, 0.9);
            maker.get(id, maker.log_normal(id, 300, 0.8));
            continue;
        }
        const std::uint64_t session = maker.made() / 20 + maker.zipf(4'000, 0.3);
        maker.get((1ULL << 32) + session, maker.log_normal(session, 600, 0.8),
                  10 + static_cast<std::uint32_t>(session % 50));
    }
}

const std::vector<std::pair<std::string, std::function<void(Maker&)>>>& makers() {
    static const std::vector<std::pair<std::string, std::function<void(Maker&)>>> all = {
        {"stack", make_stack},
        {"loop", make_loop},
        {"loops", make_loops},
        {"scan", make_scan},
        {"drift", make_drift},
        {"zipf-0.8", [](Maker& maker) { make_zipf(maker, 0.8, 0.3); }},
        {"zipf-1.0", [](Maker& maker) { make_zipf(maker, 1.0, 0.3); }},
        {"zipf-sizes", [](Maker& maker) { make_zipf(maker, 0.9, 1.6); }},
        {"bursts", make_bursts},
        {"short", make_short},
    };
    return all;
}

}  // namespace

std::vector<std::string> generated_kinds() {
    std::vector<std::string> names;
    for (const auto& [name, make] : makers())
        names.push_back(name);
    return names;
}

Trace generate(const std::string& kind, const Making& making) {
    Maker maker(making);
    for (const auto& [name, make] : makers())
        if (name == kind) make(maker);
    return maker.take(kind);
}

}  // namespace twincached::misses

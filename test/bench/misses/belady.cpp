// Belady's MIN: what is asked for again last goes first, the newcomer not excepted. With sizes it
// is no strict limit any more, so there is a second one that weighs the wait by the size.
#include "lib/random.hpp"
#include "test/bench/misses/policy.hpp"

#include <limits>
#include <queue>

namespace twincached::misses {

namespace {

constexpr std::uint64_t never = std::numeric_limits<std::uint32_t>::max();

// For each request, which one asks for the same object next.
std::vector<std::uint32_t> next_uses(const Trace& trace) {
    std::vector<std::uint32_t> next(trace.requests.size());
    std::vector<std::uint32_t> seen(trace.objects, static_cast<std::uint32_t>(never));
    for (std::size_t i = trace.requests.size(); i-- > 0;) {
        next[i] = seen[trace.requests[i].object];
        seen[trace.requests[i].object] = static_cast<std::uint32_t>(i);
    }
    return next;
}

class Belady : public Policy {
  public:
    Belady(const Trace& trace, std::uint64_t bytes, bool by_size)
        : next_uses_(next_uses(trace)), held_(trace.objects), most_(bytes), by_size_(by_size) {}

    void at(std::size_t request) override { request_ = request; }
    bool get(std::uint32_t object) override {
        if (held_[object].bytes == 0) return false;
        note_use(object);
        return true;
    }
    void put(std::uint32_t object, std::uint32_t bytes) override {
        drop(object);
        held_[object].bytes = bytes;
        held_[object].place = static_cast<std::uint32_t>(all_.size());
        all_.push_back(object);
        bytes_ += bytes;
        note_use(object);
        while (bytes_ > most_)
            drop(by_size_ ? worst_of_some() : last_used());
    }
    void drop(std::uint32_t object) override {
        if (held_[object].bytes == 0) return;
        bytes_ -= held_[object].bytes;
        held_[all_.back()].place = held_[object].place;
        all_[held_[object].place] = all_.back();
        all_.pop_back();
        held_[object] = {};
    }

  private:
    struct Held {
        std::uint32_t bytes = 0;  // 0: it is not held
        std::uint32_t next = 0;
        std::uint32_t place = 0;  // in all_
    };

    void note_use(std::uint32_t object) {
        held_[object].next = next_uses_[request_];
        if (!by_size_) by_next_.push({held_[object].next, object});
    }
    // What stands in the queue and is not true any more is passed over.
    std::uint32_t last_used() {
        for (;;) {
            const auto [next, object] = by_next_.top();
            if (held_[object].bytes != 0 && held_[object].next == next) return object;
            by_next_.pop();
        }
    }
    std::uint32_t worst_of_some() {
        constexpr unsigned some = 64;
        std::uint32_t worst = all_.back();
        double most = -1;
        for (unsigned i = 0; i < some; ++i) {
            const std::uint32_t object = all_[random_.below(all_.size())];
            const double wait = held_[object].next == never
                                    ? 1e12
                                    : static_cast<double>(held_[object].next - request_);
            if (wait * held_[object].bytes <= most) continue;
            most = wait * held_[object].bytes;
            worst = object;
        }
        return worst;
    }

    std::vector<std::uint32_t> next_uses_;
    std::vector<Held> held_;
    std::vector<std::uint32_t> all_;
    std::priority_queue<std::pair<std::uint32_t, std::uint32_t>> by_next_;
    lib::Random random_{1};
    std::uint64_t most_;
    std::uint64_t bytes_ = 0;
    std::size_t request_ = 0;
    bool by_size_;
};

}  // namespace

std::unique_ptr<Policy> make_belady(const Trace& trace, std::uint64_t bytes) {
    return std::make_unique<Belady>(trace, bytes, false);
}

std::unique_ptr<Policy> make_belady_sized(const Trace& trace, std::uint64_t bytes) {
    return std::make_unique<Belady>(trace, bytes, true);
}

}  // namespace twincached::misses

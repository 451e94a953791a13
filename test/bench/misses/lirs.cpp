// Jiang and Zhang, "LIRS: an efficient low inter-reference recency set replacement policy"
// (SIGMETRICS 2002), its sizes counted in bytes. What is not held any more is remembered for as
// many bytes as the cache has.
#include "test/bench/misses/policy.hpp"
#include "test/bench/misses/queues.hpp"

namespace twincached::misses {

namespace {

class Lirs : public Policy {
  public:
    Lirs(std::uint32_t objects, std::uint64_t bytes)
        : stack_(objects, 1), others_(objects, 2), low_(objects), most_(bytes) {}

    bool get(Object object) override {
        if (low_[object]) {
            stack_.move(recent, object);
            prune();
            return true;
        }
        if (others_.list_of(object) != resident) return false;
        const std::uint32_t bytes = others_.bytes_of(object);
        if (stack_.list_of(object) != 0) {
            others_.remove(object);
            make_low(object, bytes);
        } else {
            stack_.push(recent, object, bytes);
            others_.move(resident, object);
        }
        return true;
    }
    void put(Object object, std::uint32_t bytes) override {
        const bool was_low = low_[object];
        const bool is_recent = stack_.list_of(object) != 0;
        if (was_low || others_.list_of(object) == resident) drop(object);
        others_.remove(object);
        while (low_bytes_ + others_.bytes(resident) + bytes > most_)
            evict();
        if (was_low || is_recent || low_bytes_ + bytes <= low_most()) {
            make_low(object, bytes);
            return;
        }
        stack_.push(recent, object, bytes);
        others_.push(resident, object, bytes);
    }
    void drop(Object object) override {
        if (low_[object]) {
            low_[object] = false;
            low_bytes_ -= stack_.bytes_of(object);
        } else if (others_.list_of(object) != resident) {
            return;
        }
        others_.remove(object);
        stack_.remove(object);
        prune();
    }

  private:
    static constexpr unsigned recent = 1;              // the stack S of the paper
    static constexpr unsigned resident = 1, gone = 2;  // the queue Q, and what left it

    std::uint64_t low_most() const { return most_ - most_ / 100; }

    void make_low(Object object, std::uint32_t bytes) {
        low_[object] = true;
        low_bytes_ += bytes;
        stack_.push(recent, object, bytes);
        prune();
        while (low_bytes_ > low_most())
            demote();
    }
    void demote() {
        prune();
        const Object bottom = stack_.oldest(recent);
        const std::uint32_t bytes = stack_.bytes_of(bottom);
        low_[bottom] = false;
        low_bytes_ -= bytes;
        stack_.remove(bottom);
        others_.push(resident, bottom, bytes);
        prune();
    }
    // The stack's bottom is always a block of low recency.
    void prune() {
        while (!stack_.is_empty(recent) && !low_[stack_.oldest(recent)]) {
            const Object bottom = stack_.oldest(recent);
            stack_.remove(bottom);
            if (others_.list_of(bottom) == gone) others_.remove(bottom);
        }
    }
    void evict() {
        if (others_.is_empty(resident)) demote();
        const Object oldest = others_.oldest(resident);
        if (stack_.list_of(oldest) != 0)
            others_.move(gone, oldest);
        else
            others_.remove(oldest);
        while (others_.bytes(gone) > most_) {
            const Object forgotten = others_.oldest(gone);
            others_.remove(forgotten);
            stack_.remove(forgotten);
        }
        prune();
    }

    Queues stack_;
    Queues others_;
    std::vector<bool> low_;  // LIR of the paper: held as long as they stay low
    std::uint64_t most_;
    std::uint64_t low_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_lirs(const Trace& trace, std::uint64_t bytes) {
    return std::make_unique<Lirs>(trace.objects, bytes);
}

}  // namespace twincached::misses

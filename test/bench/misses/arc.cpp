// Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache" (FAST 2003), its sizes
// counted in bytes.
#include "test/bench/misses/policy.hpp"
#include "test/bench/misses/queues.hpp"

#include <algorithm>

namespace twincached::misses {

namespace {

class Arc : public Policy {
  public:
    Arc(std::uint32_t objects, std::uint64_t bytes) : queues_(objects, 4), most_(bytes) {}

    bool get(Object object) override {
        if (!is_held(object)) return false;
        queues_.move(often, object);
        return true;
    }
    void put(Object object, std::uint32_t bytes) override {
        const unsigned list = queues_.list_of(object);
        if (list == once_ghosts) {
            target_ = std::min(most_, target_ + step(bytes, often_ghosts, once_ghosts));
        } else if (list == often_ghosts) {
            target_ -= std::min(target_, step(bytes, once_ghosts, often_ghosts));
        }
        queues_.remove(object);
        if (list == 0) trim_ghosts(bytes);
        while (queues_.bytes(once) + queues_.bytes(often) + bytes > most_)
            replace(list == often_ghosts);
        queues_.push(list == 0 ? once : often, object, bytes);
    }
    void drop(Object object) override {
        if (is_held(object)) queues_.remove(object);
    }

  private:
    // T1, T2, B1 and B2 of the paper.
    static constexpr unsigned once = 1, often = 2, once_ghosts = 3, often_ghosts = 4;

    bool is_held(Object object) const {
        return queues_.list_of(object) == once || queues_.list_of(object) == often;
    }
    std::uint64_t step(std::uint32_t bytes, unsigned others, unsigned own) const {
        const double ratio = static_cast<double>(queues_.bytes(others)) /
                             static_cast<double>(std::max<std::uint64_t>(1, queues_.bytes(own)));
        return static_cast<std::uint64_t>(bytes * std::max(1.0, ratio));
    }
    void trim_ghosts(std::uint32_t bytes) {
        while (queues_.bytes(once) + queues_.bytes(once_ghosts) + bytes > most_)
            queues_.remove(queues_.oldest(queues_.is_empty(once_ghosts) ? once : once_ghosts));
        const auto all = [&] {
            return queues_.bytes(once) + queues_.bytes(often) + queues_.bytes(once_ghosts) +
                   queues_.bytes(often_ghosts);
        };
        while (all() + bytes > 2 * most_ && !queues_.is_empty(often_ghosts))
            queues_.remove(queues_.oldest(often_ghosts));
    }
    void replace(bool was_often_ghost) {
        const std::uint64_t in_once = queues_.bytes(once);
        const bool is_over = in_once > target_ || (was_often_ghost && in_once == target_);
        if (!queues_.is_empty(once) && (is_over || queues_.is_empty(often)))
            queues_.move(once_ghosts, queues_.oldest(once));
        else
            queues_.move(often_ghosts, queues_.oldest(often));
    }

    Queues queues_;
    std::uint64_t most_;
    std::uint64_t target_ = 0;  // bytes of `once`: p of the paper
};

}  // namespace

std::unique_ptr<Policy> make_arc(const Trace& trace, std::uint64_t bytes) {
    return std::make_unique<Arc>(trace.objects, bytes);
}

}  // namespace twincached::misses

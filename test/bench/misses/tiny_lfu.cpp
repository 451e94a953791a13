// Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission policy" (2017), with a
// window that adapts by hill climbing (Einziger, Eytan, Friedman and Manes, 2018), and for sizes
// the aggregated victims of Einziger, Eytan, Friedman and Manes (2021). Frequencies are counted,
// not estimated by a sketch.
#include "test/bench/misses/policy.hpp"
#include "test/bench/misses/queues.hpp"

#include <algorithm>
#include <cmath>

namespace twincached::misses {

namespace {

class TinyLfu : public Policy {
  public:
    TinyLfu(std::uint32_t objects, std::uint64_t bytes)
        : queues_(objects, 3), counts_(objects), most_(bytes) {}

    bool get(Object object) override {
        count(object);
        ++asked_;
        const unsigned list = queues_.list_of(object);
        if (list == 0) return false;
        ++hits_;
        queues_.move(list == window ? window : guarded, object);
        while (queues_.bytes(guarded) > main_most() / 5 * 4)
            queues_.move(probation, queues_.oldest(guarded));
        return true;
    }
    void put(Object object, std::uint32_t bytes) override {
        const unsigned list = queues_.list_of(object);
        queues_.push(list == 0 ? window : list, object, bytes);
        // What is larger than the window goes through it alone.
        while (queues_.bytes(window) > window_most_ && !queues_.is_empty(window))
            admit(queues_.oldest(window));
        while (held() > most_)
            queues_.remove(victim());
    }
    void drop(Object object) override { queues_.remove(object); }

  private:
    static constexpr unsigned window = 1, probation = 2, guarded = 3;
    static constexpr std::uint8_t count_most = 15;
    static constexpr std::uint64_t sample_per_item = 10;

    double share(double part) const { return static_cast<double>(most_) / part; }
    std::uint64_t main_most() const { return most_ - window_most_; }
    std::uint64_t held() const {
        return queues_.bytes(window) + queues_.bytes(probation) + queues_.bytes(guarded);
    }
    Object victim() const {
        for (const unsigned list : {probation, guarded})
            if (!queues_.is_empty(list)) return queues_.oldest(list);
        return queues_.oldest(window);
    }
    // It takes the place of others if it was asked for more often than all of them together.
    void admit(Object object) {
        const std::uint32_t bytes = queues_.bytes_of(object);
        queues_.move(probation, object);  // the newest: last to be a victim
        std::uint64_t main = queues_.bytes(probation) + queues_.bytes(guarded);
        std::vector<Object> victims;
        unsigned others = 0;
        for (unsigned list : {probation, guarded}) {
            Object next = queues_.is_empty(list) ? object : queues_.oldest(list);
            for (std::uint64_t i = 0; i < queues_.count(list) && main > main_most(); ++i) {
                if (next == object) break;
                victims.push_back(next);
                others += counts_[next];
                main -= queues_.bytes_of(next);
                if (others >= counts_[object]) break;
                if (i + 1 < queues_.count(list)) next = queues_.newer(next);
            }
        }
        if (victims.empty() && main <= main_most()) return;
        if (bytes <= main_most() && others < counts_[object] && main <= main_most()) {
            for (const Object one : victims)
                queues_.remove(one);
        } else {
            queues_.remove(object);
        }
    }
    void count(Object object) {
        if (counts_[object] < count_most) ++counts_[object];
        const std::uint64_t items =
            queues_.count(window) + queues_.count(probation) + queues_.count(guarded);
        if (++counted_ < sample_per_item * std::max<std::uint64_t>(items, 1000)) return;
        counted_ = 0;
        for (std::uint8_t& one : counts_)
            one /= 2;
        climb();
    }
    // A step that brought more hits is followed by another; else it goes back, and shorter.
    void climb() {
        const double rate = static_cast<double>(hits_) / static_cast<double>(asked_);
        hits_ = asked_ = 0;
        if (rate < rate_) step_ = -step_;
        step_ = std::abs(rate - rate_) >= 0.05 ? std::copysign(share(16), step_) : step_ * 0.98;
        rate_ = rate;
        const double wanted = static_cast<double>(window_most_) + step_;
        window_most_ = static_cast<std::uint64_t>(std::clamp(wanted, share(100), share(1.25)));
        while (queues_.bytes(guarded) > main_most() / 5 * 4)
            queues_.move(probation, queues_.oldest(guarded));
    }

    Queues queues_;
    std::vector<std::uint8_t> counts_;
    std::uint64_t most_;
    std::uint64_t window_most_ = most_ / 100;
    std::uint64_t counted_ = 0;
    std::uint64_t asked_ = 0;
    std::uint64_t hits_ = 0;
    double rate_ = 0;
    double step_ = share(16);
};

}  // namespace

std::unique_ptr<Policy> make_tiny_lfu(const Trace& trace, std::uint64_t bytes) {
    return std::make_unique<TinyLfu>(trace.objects, bytes);
}

}  // namespace twincached::misses

// Yang and others, "FIFO queues are all you need for cache eviction" (SOSP 2023), object by object,
// its sizes counted in bytes.
#include "test/bench/misses/policy.hpp"
#include "test/bench/misses/queues.hpp"

#include <algorithm>

namespace twincached::misses {

namespace {

class S3Fifo : public Policy {
  public:
    S3Fifo(std::uint32_t objects, std::uint64_t bytes)
        : queues_(objects, 3), reads_(objects), most_(bytes) {}

    bool get(Object object) override {
        if (!is_held(object)) return false;
        reads_[object] = static_cast<std::uint8_t>(std::min(3, reads_[object] + 1));
        return true;
    }
    void put(Object object, std::uint32_t bytes) override {
        const unsigned list = queues_.list_of(object);
        queues_.remove(object);
        while (queues_.bytes(small) + queues_.bytes(main) + bytes > most_)
            evict();
        if (list == 0 || list == ghosts) reads_[object] = 0;
        queues_.push(list == ghosts ? main : list == 0 ? small : list, object, bytes);
    }
    void drop(Object object) override {
        if (is_held(object)) queues_.remove(object);
    }

  private:
    static constexpr unsigned small = 1, main = 2, ghosts = 3;

    bool is_held(Object object) const {
        return queues_.list_of(object) == small || queues_.list_of(object) == main;
    }
    void evict() {
        if (queues_.bytes(small) >= most_ / 10 || queues_.is_empty(main))
            evict_small();
        else
            evict_main();
    }
    void evict_small() {
        while (!queues_.is_empty(small)) {
            const Object oldest = queues_.oldest(small);
            const bool stays = reads_[oldest] > 1;
            reads_[oldest] = 0;
            queues_.move(stays ? main : ghosts, oldest);
            if (stays) continue;
            while (queues_.bytes(ghosts) > most_ - most_ / 10)
                queues_.remove(queues_.oldest(ghosts));
            return;
        }
    }
    void evict_main() {
        for (;;) {
            const Object oldest = queues_.oldest(main);
            if (reads_[oldest] == 0) return queues_.remove(oldest);
            --reads_[oldest];
            queues_.move(main, oldest);
        }
    }

    Queues queues_;
    std::vector<std::uint8_t> reads_;
    std::uint64_t most_;
};

}  // namespace

std::unique_ptr<Policy> make_s3_fifo(const Trace& trace, std::uint64_t bytes) {
    return std::make_unique<S3Fifo>(trace.objects, bytes);
}

}  // namespace twincached::misses

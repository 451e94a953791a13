#include "test/bench/misses/policy.hpp"
#include "test/bench/misses/queues.hpp"

namespace twincached::misses {

namespace {

class Lru : public Policy {
  public:
    Lru(std::uint32_t objects, std::uint64_t bytes) : queues_(objects, 1), most_(bytes) {}

    bool get(Object object) override {
        if (queues_.list_of(object) == 0) return false;
        queues_.move(all, object);
        return true;
    }
    void put(Object object, std::uint32_t bytes) override {
        queues_.push(all, object, bytes);
        while (queues_.bytes(all) > most_)
            queues_.remove(queues_.oldest(all));
    }
    void drop(Object object) override { queues_.remove(object); }

  private:
    static constexpr unsigned all = 1;
    Queues queues_;
    std::uint64_t most_;
};

}  // namespace

std::unique_ptr<Policy> make_lru(const Trace& trace, std::uint64_t bytes) {
    return std::make_unique<Lru>(trace.objects, bytes);
}

const std::vector<PolicyRow>& policies() {
    static const std::vector<PolicyRow> rows = {
        {"LRU", true, make_lru},
        {"ARC", true, make_arc},
        {"LIRS", true, make_lirs},
        {"W-TinyLFU", true, make_tiny_lfu},
        {"S3-FIFO", true, make_s3_fifo},
        {"Belady", false, make_belady},
        {"Belady by size", false, make_belady_sized},
    };
    return rows;
}

}  // namespace twincached::misses

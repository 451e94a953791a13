#include "app/reports/counter_sums.hpp"

namespace twincached::app {
namespace {

std::uint64_t since(std::uint64_t sum, const std::atomic<std::uint64_t>& base) noexcept {
    return sum - base.load(std::memory_order_relaxed);
}

}  // namespace

std::uint64_t CounterSums::sum(protocol::Count name) const noexcept {
    std::uint64_t sum = 0;
    pool_.visit_counters(
        [&](const protocol::ThreadCounters& counters) { sum += counters.totals.get(name); });
    return sum;
}

std::uint64_t CounterSums::sum(unsigned size_class, protocol::ClassCount name) const noexcept {
    std::uint64_t sum = 0;
    pool_.visit_counters([&](const protocol::ThreadCounters& counters) {
        sum += counters.classes[size_class].get(name);
    });
    return sum;
}

std::uint64_t CounterSums::total(protocol::Count name) const noexcept {
    return since(sum(name), base_[static_cast<std::size_t>(name)]);
}

std::uint64_t CounterSums::total(unsigned size_class, protocol::ClassCount name) const noexcept {
    return since(sum(size_class, name), class_base_[size_class][static_cast<std::size_t>(name)]);
}

void CounterSums::reset() noexcept {
    for (std::size_t i = 0; i < counts; ++i) {
        base_[i].store(sum(static_cast<protocol::Count>(i)), std::memory_order_relaxed);
    }
    for (unsigned id = 0; id < storage::size_class_limit; ++id) {
        for (std::size_t i = 0; i < class_counts; ++i) {
            class_base_[id][i].store(sum(id, static_cast<protocol::ClassCount>(i)),
                                     std::memory_order_relaxed);
        }
    }
}

}  // namespace twincached::app

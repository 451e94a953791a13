// A policy of a cache, simulated: which objects it holds within so many bytes. What it remembers of
// others costs it nothing here, which flatters those that remember much.
#pragma once

#include "test/bench/misses/trace.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace twincached::misses {

class Policy {
  public:
    virtual ~Policy() = default;

    // Before what follows: which request of the trace it is for.
    virtual void at(std::size_t /*request*/) {}
    // Does it hold it? If so, it was used.
    virtual bool get(std::uint32_t object) = 0;
    // Stores it, or over it. REQUIRES: bytes <= what the policy has in all.
    virtual void put(std::uint32_t object, std::uint32_t bytes) = 0;
    // It has expired or was deleted, and is of no use any more.
    virtual void drop(std::uint32_t object) = 0;
};

struct PolicyRow {
    std::string name;
    bool is_practical;  // false: it knows the future
    std::function<std::unique_ptr<Policy>(const Trace&, std::uint64_t bytes)> make;
};

const std::vector<PolicyRow>& policies();

std::unique_ptr<Policy> make_lru(const Trace& trace, std::uint64_t bytes);
std::unique_ptr<Policy> make_arc(const Trace& trace, std::uint64_t bytes);
std::unique_ptr<Policy> make_lirs(const Trace& trace, std::uint64_t bytes);
std::unique_ptr<Policy> make_tiny_lfu(const Trace& trace, std::uint64_t bytes);
std::unique_ptr<Policy> make_s3_fifo(const Trace& trace, std::uint64_t bytes);
std::unique_ptr<Policy> make_belady(const Trace& trace, std::uint64_t bytes);
std::unique_ptr<Policy> make_belady_sized(const Trace& trace, std::uint64_t bytes);

}  // namespace twincached::misses

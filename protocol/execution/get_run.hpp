// The run of reads of one key each that came together: clients that pipeline send them by the
// dozen, and the store answers many keys faster than one after another. The readers cut it out of
// the input at a glance, before anything is parsed: the cheapest road through the server, and the
// busiest. Whatever else a request is, be it wrong, ends the run, and is parsed like every other.
//
//     get a\r\n gets bc\r\n set d ...
//     [ 0      ][ 1        ]            keys: a, bc
//
// Lives for one run; its views point into the input.
#pragma once

#include "protocol/execution/executor.hpp"
#include "protocol/short_list.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace twincached::protocol {

class GetRun {
  public:
    // Of requests at the front of `input`, so many at most.
    GetRun(std::string_view input, std::size_t limit) noexcept
        : input_(input), rest_(input), limit_(std::min(limit, keys_.capacity())) {}

    bool is_full() const noexcept { return keys_.size() == limit_; }
    bool empty() const noexcept { return keys_.empty(); }
    // What stands behind those that were added.
    std::string_view rest() const noexcept { return rest_; }
    // The first request of the rest, which takes so many bytes of it. REQUIRES: !is_full().
    void add(std::string_view key, std::size_t bytes) noexcept {
        rest_.remove_prefix(bytes);
        keys_.add(key);
        ends_.add(input_.size() - rest_.size());
    }

    std::span<const std::string_view> keys() const noexcept { return keys_.all(); }
    std::string_view request(std::size_t index) const noexcept {
        const auto begin = bytes_of(index);
        return {input_.data() + begin, ends_[index] - begin};
    }
    // Of input, that the first so many requests take.
    std::size_t bytes_of(std::size_t count) const noexcept {
        return count == 0 ? 0 : ends_[count - 1];
    }

  private:
    std::string_view input_;
    std::string_view rest_;
    std::size_t limit_;
    // Of those that were added.
    ShortList<std::string_view, Executor::batch_limit> keys_;
    ShortList<std::size_t, Executor::batch_limit> ends_;
};

}  // namespace twincached::protocol

// One direction of a TCP connection: bytes arrive in order, late, in other pieces than they were
// sent in, at a bounded rate; or, after a break, never.
#pragma once

#include "lib/random.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace twincached::simulation {

class SimPipe {
  public:
    struct Manner {
        std::uint64_t delay_ms = 1;   // at least
        std::uint64_t jitter_ms = 5;  // up to this more
        std::uint64_t bytes_per_ms = 1U << 20;
    };

    void set_manner(const Manner& manner) noexcept { manner_ = manner; }
    void send(std::string_view bytes, std::uint64_t now_ms, lib::Random& random);
    // What has arrived, cut anywhere.
    std::string receive(std::uint64_t now_ms, lib::Random& random);
    bool empty() const noexcept { return pieces_.empty(); }
    void lose_everything() { pieces_.clear(); }
    // When the next bytes arrive. REQUIRES: !empty().
    std::uint64_t next_arrival_ms() const noexcept { return pieces_.front().arrives_ms; }
    std::uint64_t longest_delay_ms() const noexcept { return longest_delay_ms_; }

  private:
    struct Piece {
        std::uint64_t arrives_ms;
        std::string bytes;
    };
    Manner manner_;
    std::deque<Piece> pieces_;
    std::uint64_t busy_until_ms_ = 0;
    std::uint64_t longest_delay_ms_ = 0;
};

}  // namespace twincached::simulation

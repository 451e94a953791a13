// How much of a shard's memory newcomers get: the share of the queues that an item must be read in
// to stay. No share is right for all. Where few keys stay hot, one in fifty is enough, and more is
// wasted on what nobody asks for again; where what is hot moves on, newcomers need half of the
// memory and more to be read in time.
//
// So the two sides are compared by what they regret. An item that comes back soon after it was
// evicted would have been a hit, had its queue been a little longer; so such returns, for each byte
// that was evicted, say what a byte more would gain on that side, and one less cost. The share
// moves towards the side that gains more, if that is more than chance: its odds, newcomers' part to
// main's, by the root of how many times more that is, at most to the double. So it is quick where
// it is far from its place, and slow near it. ARC (Megiddo and Modha, 2003) moves by each single
// return; that is quick, but wanders where both sides are alike, as they are in the best place.
//
// Where that gives newcomers more than a tenth, what is hot moves on, and what was read often is
// no promise of being read again: main is not to wait for it as long as where the same keys stay
// hot and newcomers get almost nothing.
//
// Where hardly anything comes back soon, though a quarter of the memory has been evicted, and
// hardly any newcomer was read either while it was one, they are of no use, whatever their share
// is. It is halved then, and said to be `settling`: what it has lost is for main to take over as it
// is. So it is where newcomers do come back, but main evicts next to nothing and would not take
// them either, for all that it has is read more often than they: a loop that is a little larger
// than the memory looks so, of which main holds all that hits.
//
// Owned by QueueBalance; guarded by the shard's lock.
#pragma once

#include <array>
#include <cstdint>

namespace twincached::storage {

enum class Side : std::uint8_t { newcomers, main };

class FreshShare {
  public:
    // `queued_bytes`: of all queues.
    void count_eviction(Side from, std::uint64_t bytes, std::uint64_t queued_bytes) noexcept {
        latest_[index(from)].evicted_bytes += static_cast<double>(bytes);
        if (evicted_lately() * fruitless_turns > static_cast<double>(queued_bytes))
            judge_fruitless();
    }
    // Of the newcomers, to main: it was read.
    void count_promotion(std::uint64_t bytes) noexcept {
        latest_[index(Side::newcomers)].read_bytes += static_cast<double>(bytes);
    }
    // Soon after it was evicted. `is_wanted`: it is not read less often than what main has, or was
    // main's itself.
    void count_return(Side to, bool is_wanted, std::uint64_t queued_bytes) noexcept;

    // Bytes of the newcomers' queues, of so many in all.
    std::uint64_t of(std::uint64_t queued_bytes) const noexcept {
        return static_cast<std::uint64_t>(static_cast<double>(queued_bytes) * share_);
    }

    // What is hot now is not what will be; so it is assumed at first, too.
    bool is_moving_on() const noexcept { return share_ > share_of_moving; }

    // True from the beginning, for all that comes first is a newcomer's, and after each time that
    // hardly anything came back; until somebody says that main has taken over what is too much.
    bool is_settling() const noexcept { return is_settling_; }
    void settled() noexcept { is_settling_ = false; }

  private:
    // A quarter of the memory.
    static constexpr double fruitless_turns = 4;
    // Where the same keys stay hot it is far below, where they do not far above: with 0.06 or 0.15
    // the traces miss as much.
    static constexpr double share_of_moving = 0.1;

    struct Regret {
        double evicted_bytes = 0;
        double returns = 0;
        double wanted = 0;      // of these
        double read_bytes = 0;  // of newcomers

        // Of a byte more; never 0, so that one side without any return has no infinite advantage.
        double gain() const noexcept { return (returns + 1) / evicted_bytes; }
        // What is written once, and read once a moment later, is not looked for when it was evicted
        // too soon: nobody but its reader ever knew of it.
        bool is_hardly_read() const noexcept { return read_bytes * 16 <= evicted_bytes; }
    };
    using Regrets = std::array<Regret, 2>;  // by side

    static std::size_t index(Side side) noexcept { return static_cast<std::size_t>(side); }
    double evicted_lately() const noexcept {
        return latest_[0].evicted_bytes + latest_[1].evicted_bytes;
    }
    void judge_fruitless() noexcept;
    void judge(bool newcomers_are_fruitless) noexcept;
    void give_way() noexcept;

    // More than the tenth of S3-FIFO: where recency counts, a late start costs more than it would
    // save where it does not.
    double share_ = 0.25;
    bool is_settling_ = true;
    Regrets latest_;      // since the last judgement
    Regrets remembered_;  // older ones count for ever less
};

}  // namespace twincached::storage

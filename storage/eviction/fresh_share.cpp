#include "storage/eviction/fresh_share.hpp"

#include <algorithm>
#include <cmath>

namespace twincached::storage {

namespace {

constexpr double share_least = 0.02;
constexpr double share_most = 0.85;
// Of the odds, at once.
constexpr double step_most = 2;
// To be of no use is no matter of degree, and each turn of a loop that passes meanwhile costs all
// that main could have held of it.
constexpr double fruitless_step = 2;
// Slabs leave one at a time, of one side or the other; fewer returns, or less than an eighth of the
// memory evicted meanwhile, would be judged by which slabs they happened to be.
constexpr double returns_least = 64;
constexpr double turns_of_memory = 8;
// Returns come later than the evictions that they belong to, so the last few periods count, too;
// but one must not move the share again and again.
constexpr double memory = 0.5;
// A side that evicts hardly anything, as main while memory fills, has nothing to say yet.
constexpr double part_least = 1.0 / 32;
// Three times the standard deviation, squared. Each period is judged more than once.
constexpr double chance = 9;
// So few newcomers that come back are hardly any.
constexpr double hardly_any = 8;
// Of those that come back.
constexpr double hardly_wanted = 1.0 / 32;

}  // namespace

void FreshShare::count_return(Side to, bool is_wanted, std::uint64_t queued_bytes) noexcept {
    latest_[index(to)].returns += 1;
    if (is_wanted) latest_[index(to)].wanted += 1;
    const double returns = latest_[0].returns + latest_[1].returns;
    if (returns < returns_least) return;
    if (evicted_lately() * turns_of_memory < static_cast<double>(queued_bytes)) return;
    for (std::size_t side = 0; side < latest_.size(); ++side) {
        Regret& sum = remembered_[side];
        sum.evicted_bytes = sum.evicted_bytes * memory + latest_[side].evicted_bytes;
        sum.returns = sum.returns * memory + latest_[side].returns;
    }
    const double wanted = latest_[0].wanted + latest_[1].wanted;
    const bool is_read = !latest_[index(Side::newcomers)].is_hardly_read();
    latest_ = {};
    judge(wanted < returns * hardly_wanted && !is_read);
}

void FreshShare::judge_fruitless() noexcept {
    const Regret newcomers = latest_[index(Side::newcomers)];
    if (newcomers.returns >= hardly_any) return;
    latest_ = {};
    if (!newcomers.is_hardly_read()) return;
    give_way();
}

void FreshShare::give_way() noexcept {
    share_ = std::max(share_ / fruitless_step, share_least);
    is_settling_ = true;
}

// If a byte were worth the same on both sides, the newcomers would have that part of all returns
// that they have of the evicted bytes, give or take what a coin thrown as often would.
void FreshShare::judge(bool newcomers_are_fruitless) noexcept {
    const Regret& newcomers = remembered_[index(Side::newcomers)];
    const Regret& main = remembered_[index(Side::main)];
    const double returns = newcomers.returns + main.returns;
    const double part = newcomers.evicted_bytes / (newcomers.evicted_bytes + main.evicted_bytes);
    if (part > 1 - part_least && newcomers_are_fruitless) give_way();
    if (part < part_least || part > 1 - part_least) return;
    const double surplus = newcomers.returns - returns * part;
    if (surplus * surplus <= chance * returns * part * (1 - part)) return;
    const double advantage = newcomers.gain() / main.gain();
    const double step = std::clamp(std::sqrt(advantage), 1 / step_most, step_most);
    const double odds = share_ / (1 - share_) * step;
    share_ = std::clamp(odds / (1 + odds), share_least, share_most);
}

}  // namespace twincached::storage

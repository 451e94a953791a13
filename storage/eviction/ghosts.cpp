#include "storage/eviction/ghosts.hpp"

#include "lib/round_up.hpp"

#include <algorithm>
#include <utility>

namespace twincached::storage {

namespace {

constexpr std::uint32_t lines_per_page = page_bytes / 64;
// With so many times the lines that the items are worth, the memory serves better elsewhere.
constexpr std::uint32_t shrink_share = 4;
// Ghosts of the last quarter of their time: if they are a sixteenth of those recalled, or more, it
// is worth two bytes an item to remember twice as many.
constexpr unsigned old_age = 24;
constexpr unsigned old_share = 16;
constexpr unsigned recalls_judged = 128;
// Of keys that never were here one in a thousand has a ghost all the same, and a quarter of those
// are old. Where keys come back less than four times as often as that, age says nothing.
constexpr unsigned asked_per_chance = 1057;  // 2^15 fingerprints, 31 of them in a line
constexpr unsigned clearly_more = 4;

}  // namespace

Ghosts::Ghosts(MemoryShare& share, const AddressSpace& space, unsigned shard_bits)
    : account_(share), shard_bits_(shard_bits), lines_(space) {}

void Ghosts::remember(std::uint64_t hash, bool left_main) noexcept {
    if (layout_.span() == 0) return;
    Line& line = line_of(hash);
    const std::uint16_t print = fingerprint(hash);
    line.ring[line.next] = left_main ? static_cast<std::uint16_t>(print | main_bit) : print;
    line.next = static_cast<std::uint16_t>((line.next + 1) % ring_size);
}

// Most keys have no ghost, so the first look is one without an early end, of which the compiler
// makes a few vectors.
std::optional<Ghost> Ghosts::recall(std::uint64_t hash) noexcept {
    if (layout_.span() == 0) return std::nullopt;
    ++asked_;
    Line& line = line_of(hash);
    const std::uint16_t print = fingerprint(hash);
    bool found = false;
    for (const std::uint16_t entry : line.ring)
        found |= is_of(entry, print);
    if (!found) return std::nullopt;
    std::optional<Ghost> youngest;
    for (unsigned age = ring_size; age-- > 0;) {
        std::uint16_t& entry = line.ring[(line.next + ring_size - 1 - age) % ring_size];
        if (!is_of(entry, print)) continue;
        youngest = Ghost{(entry & main_bit) != 0, age};
        entry = 0;
    }
    note_recall(*youngest);
    return youngest;
}

// Where many of those that are recalled have nearly been forgotten, others have come back too late.
// Two million keys that were never asked for again had their ghosts doubled by false matches alone.
void Ghosts::note_recall(const Ghost& ghost) noexcept {
    ++recalls_;
    if (ghost.age >= old_age) ++old_recalls_;
    if (recalls_ < recalls_judged) return;
    const bool is_chance = asked_ > recalls_ * (asked_per_chance / clearly_more);
    if (!is_chance && old_recalls_ * old_share >= recalls_) reaches_far_ = true;
    asked_ = recalls_ = old_recalls_ = 0;
}

void Ghosts::adjust(std::uint64_t items) noexcept {
    if (layout_.is_moving()) return;
    const std::uint64_t reach = reaches_far_ ? items * 2 : items;
    const auto wanted = static_cast<std::uint32_t>(reach / ring_size + 1);
    const std::uint32_t count = layout_.target();
    if (count == 0) {
        const auto first = static_cast<std::uint32_t>(lib::round_up(wanted, lines_per_page));
        if (grow_bytes(first)) layout_ = LinearLayout(first);
        return;
    }
    if (wanted < count / shrink_share && count > lines_per_page) return forget_all();
    if (wanted <= count) return;
    const std::uint32_t next =
        std::max(count + std::max(lines_per_page, count / 4), reaches_far_ ? wanted : 0);
    if (grow_bytes(next)) layout_.begin(next);
}

// The items have become few, because the limit was lowered or they are larger now: the ghosts are
// those of another time. The next eviction begins with few lines.
void Ghosts::forget_all() noexcept {
    lines_.give_back(0, committed_);
    account_.give(std::exchange(committed_, 0));
    layout_ = LinearLayout(0);
    reaches_far_ = false;
}

bool Ghosts::grow_bytes(std::uint32_t lines) noexcept {
    const std::uint64_t more = lib::round_up(std::uint64_t{lines} * 64, page_bytes) - committed_;
    if (!account_.take(more)) return false;
    if (!lines_.commit_to(committed_ + more)) {
        account_.give(more);
        return false;
    }
    committed_ += more;
    return true;
}

// A fingerprint does not tell which of two new lines it belongs to, so both get the whole ring:
// for a while some places are wasted on copies that never match.
void Ghosts::step(unsigned lines) noexcept {
    while (layout_.is_moving() && lines-- > 0) {
        const std::uint32_t old_line = layout_.next();
        const Line content = this->lines()[old_line];
        const std::uint32_t first = layout_.first_within(old_line);
        const std::uint32_t last = layout_.first_within(old_line + 1);
        layout_.advance();
        for (std::uint32_t i = first; i < last; ++i)
            this->lines()[i] = content;
    }
}

}  // namespace twincached::storage

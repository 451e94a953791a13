#include "replication/pair/legacy/legacy_link.hpp"

#include <cassert>

namespace twincached::replication::pair {

namespace {

constexpr Timing::ms tick{200};

}  // namespace

std::string_view name_of(LegacyState state) noexcept {
    switch (state) {
        case LegacyState::off:
            return "off";
        case LegacyState::waiting:
            return "waiting";
        case LegacyState::filling:
            return "filling";
        case LegacyState::linked:
            return "linked";
    }
    return "";
}

LegacyLink::LegacyLink(ChangeSink& sink, std::size_t value_limit_bytes) noexcept
    : sender_(sink, stats_), receiver_(sink, stats_), value_limit_(value_limit_bytes) {}

void LegacyLink::attach(storage::Store& store) noexcept {
    sender_.attach(store);
    receiver_.attach(store);
}

// A node that had not been told all when it was lost does not know what there is not; one that has
// not heard of a flush does not know what there is.
void LegacyLink::begin(unsigned peer_node, bool it_called, const storage::Now& now) {
    using Dump = LegacyReceiver::Dump;
    assert(!in_session());
    auto dump = Dump::none;
    owes_after_dump_ = !it_called && sender_.still_owes_all();
    if (!it_called) dump = owes_after_dump_ ? Dump::partial : Dump::whole;
    sender_.begin(peer_node, it_called, instant_of(now));
    if (!it_called && sender_.owes_flush()) dump = Dump::outdated;
    receiver_.begin(peer_node, dump);
    reader_.emplace(value_limit_);
    tick_at_ = instant_of(now);
}

void LegacyLink::end() noexcept {
    reader_.reset();
    tick_at_.reset();
    sender_.end();
    receiver_.end();
}

std::string_view LegacyLink::on_bytes(lib::ByteBuffer& kept, std::string_view bytes, bool applies,
                                      const storage::Now& now) {
    const bool gathered = !kept.empty();
    if (gathered) kept.append(bytes);
    auto rest = gathered ? kept.readable() : bytes;
    for (;;) {
        const auto read = reader_->read(rest);
        if (read.status == LegacyReader::Status::malformed)
            return "the old node says what none of its kind does";
        if (read.status == LegacyReader::Status::command) {
            const bool was_filling = receiver_.is_filling();
            receiver_.take(read.command, applies, now);
            const bool is_filled = was_filling && !receiver_.is_filling();
            if (is_filled && owes_after_dump_) sender_.go_on_owing();
        }
        rest.remove_prefix(read.taken);
        if (read.status == LegacyReader::Status::need_more) break;
    }
    if (gathered) {
        kept.consume(kept.size() - rest.size());
    } else {
        kept.append(rest);
    }
    return {};
}

// A change that comes in while the last bytes are written would have woken nobody yet; so it is
// looked for again before the thread may rest, a few times, since other connections wait.
void LegacyLink::produce(lib::ByteBuffer& out, std::size_t room, const storage::Now& now) {
    constexpr int attempts = 4;
    const auto end_size = out.size() + room;
    for (int attempt = 0; attempt < attempts && out.size() < end_size; ++attempt) {
        (void)sender_.produce(out, end_size - out.size(), now);
        if (out.size() < end_size && sender_.may_rest()) return;
    }
}

void LegacyLink::on_timer(const storage::Now& now) noexcept {
    receiver_.on_timer(now);
    sender_.settle(instant_of(now));
    if (tick_at_) tick_at_ = instant_of(now) + tick;
}

std::optional<Instant> LegacyLink::deadline() const noexcept {
    std::optional<Instant> flush_at;
    if (receiver_.flush_at_ms()) flush_at = Instant(*receiver_.flush_at_ms());
    return earliest({tick_at_, flush_at});
}

}  // namespace twincached::replication::pair

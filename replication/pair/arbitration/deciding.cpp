#include "replication/pair/arbitration/deciding.hpp"

#include "lib/allocation.hpp"

#include <cstring>
#include <utility>
#include <variant>

namespace twincached::replication::pair {
namespace {

// What a key holds, as the peer applies it.
struct Known {
    std::optional<WireRecord> record;  // its value: see below
    std::string value;
    bool is_large = false;
};

storage::ItemCopy copy_of(const storage::ItemView& item) {
    storage::ItemCopy copy;
    copy.version = item.version;
    copy.cas = item.cas;
    copy.client_flags = item.client_flags;
    copy.expiry = item.expiry;
    copy.last_access = item.last_access;
    copy.explicit_cas = item.explicit_cas;
    copy.fetched = item.fetched;
    copy.stale = item.stale;
    copy.won = item.won;
    copy.binary_key = item.binary_key;
    if (item.value.size() <= batched_value_limit) copy.value = item.value;
    return copy;
}

// What a reader is shown is what its node is told of.
Known known_by(const storage::ItemCopy& item) {
    Known known;
    known.record = record_head_of(item.view({}));
    known.value = item.value;
    return known;
}

// As it is now, which may be newer than what was decided: then that was replaced. A key that holds
// nothing is told of as removed if a version is known of its removal.
Known look_up(ChangeSink& sink, storage::Store& store, std::string_view name,
              const storage::Now& now) {
    Known known;
    const auto key = store.key(name);
    const auto shard_number = store.shard_of(key.hash);
    lib::MemoryGuard guard;
    store.with_shard(shard_number, guard.over([&](storage::Shard& shard) {
        const bool is_there = shard.peek(key, now, [&](const storage::ItemView& item) {
            known.is_large = item.value.size() > batched_value_limit;
            // What a reader created on a miss is this node's own affair.
            if (known.is_large || item.version == 0) return;
            known.record = record_head_of(item);
            known.value = item.value;
        });
        if (is_there) return;
        const auto version = sink.known_version(shard_number, key, false);
        if (version == 0) return;
        known.record.emplace();
        known.record->kind = RecordKind::removal;
        known.record->version = version;
    }));
    guard.finish();
    return known;
}

}  // namespace

// Numbers count up without a gap, and the pieces of one value come one behind the other.
bool Deciding::on_request(const Frame& frame, bool decides, const storage::Now& now) {
    const auto to_expiry = [this](std::uint64_t ms) { return parts_.peer.to_expiry(ms); };
    auto piece = read_request(frame.payload, to_expiry);
    if (!piece) return false;
    parts_.peer.observe(piece->head.sender_now_ms, now);
    const bool is_taken = arriving_ ? go_on(*piece) : begin(std::move(*piece), now);
    if (!is_taken) return false;
    if (received_ == arriving_->total) finish(decides, now);
    return true;
}

bool Deciding::begin(RequestPiece piece, const storage::Now& now) {
    if (piece.head.number != last_number_ + 1 || piece.head.offset != 0) return false;
    if (owed_.size() >= requests_limit) return false;
    last_number_ = piece.head.number;
    arriving_ = Arriving();
    arriving_->number = piece.head.number;
    arriving_->total = piece.total;
    arriving_->operation = std::move(piece.operation);
    arriving_->operation.key = piece.key;
    received_ = 0;
    const bool fits = !store_->exceeds_limit(piece.key.size(), piece.total, 0);
    if (store_->is_large(piece.total) && fits)
        arriving_->memory = store_->reserve(piece.total, now);
    return go_on(piece);
}

// Of a value for which there is no memory the bytes are passed over.
bool Deciding::go_on(const RequestPiece& piece) {
    auto& arriving = *arriving_;
    if (piece.head.number != arriving.number || piece.head.offset != received_ ||
        piece.total != arriving.total || piece.key != arriving.operation.key)
        return false;
    if (arriving.memory) {
        std::memcpy(arriving.memory.bytes().data() + received_, piece.piece.data(),
                    piece.piece.size());
    } else if (!store_->is_large(arriving.total)) {
        arriving.operation.value += piece.piece;
    }
    received_ += static_cast<std::uint32_t>(piece.piece.size());
    return true;
}

// At most once, and only where it is decided: a request that comes too late for that has not
// happened.
void Deciding::finish(bool decides, const storage::Now& now) {
    Owed owed;
    owed.number = arriving_->number;
    owed.key = arriving_->operation.key;
    owed_.push_back(std::move(owed));
    auto arrived = std::move(*arriving_);
    arriving_.reset();
    auto& answer = owed_.back();
    if (!decides) {
        answer.verdict = VerdictWord::not_mine;
        return;
    }
    // Whatever becomes of the answer, it is known to have been executed.
    answer.verdict = VerdictWord::unknown;
    ++executed_;
    execute(arrived, answer, now);
    answer.place = place_in(parts_.sink, *store_, store_->key(answer.key).hash);
    const auto shown_bytes = answer.decision.item ? answer.decision.item->value.size() : 0;
    // Whoever asks faster than he reads what is shown to him takes no memory by it.
    if (shown_bytes_ + shown_bytes > shown_bytes_limit) return answer.decision.item.reset();
    shown_bytes_ += shown_bytes;
    answer.verdict = VerdictWord::done;
}

// Nobody waits for a ticket: when the answer is with the peer, both nodes have the change.
void Deciding::execute(Arriving& arrived, Owed& owed, const storage::Now& now) {
    const auto key = store_->key(owed.key);
    const auto& request = arrived.operation.request;
    if (const auto* one = std::get_if<storage::Write>(&request)) {
        owed.decision.result = write(arrived, *one, now);
    } else if (const auto* sum = std::get_if<storage::Arithmetic>(&request)) {
        owed.decision.result = store_->add(key, now, *sum);
    } else if (const auto* gone = std::get_if<storage::Remove>(&request)) {
        owed.decision.result = store_->remove(key, now, *gone);
    } else if (const auto* looked = std::get_if<storage::Read>(&request)) {
        read(*looked, owed, now);
    }
}

storage::WriteResult Deciding::write(Arriving& arrived, storage::Write request,
                                     const storage::Now& now) {
    const auto key = store_->key(arrived.operation.key);
    if (arrived.memory) return store_->write(key, now, request, std::move(arrived.memory));
    if (!store_->is_large(arrived.total)) {
        request.value = arrived.operation.value;
        return store_->write(key, now, request);
    }
    return refuse(key, arrived.total, request, now);
}

// The value was never here. As of one that this node's own clients announce: a set takes what the
// key held with it, so that nobody reads what should be gone, and all others leave it.
storage::WriteResult Deciding::refuse(const storage::Key& key, std::uint32_t value_bytes,
                                      const storage::Write& request, const storage::Now& now) {
    const bool is_set = request.mode == storage::WriteMode::set && !request.compare_cas;
    if (is_set) store_->drop_failed_write(key, now);
    const bool fits = !store_->exceeds_limit(key.bytes.size(), value_bytes, request.client_flags);
    storage::WriteResult refused;
    refused.outcome = fits ? storage::WriteOutcome::no_memory : storage::WriteOutcome::too_large;
    return refused;
}

void Deciding::read(const storage::Read& request, Owed& owed, const storage::Now& now) {
    lib::MemoryGuard guard;
    const auto visit = [&](const storage::ItemView& item, const storage::ReadMarks& marks) {
        guard.run([&] {
            owed.shows_large = item.value.size() > batched_value_limit;
            owed.decision.item = copy_of(item);
            owed.decision.marks = marks;
        });
    };
    owed.decision.result = store_->read(store_->key(owed.key), now, request, visit);
    guard.finish();
}

void Deciding::send(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) {
    while (!owed_.empty() && out.size() < end_size) {
        auto& next = owed_.front();
        if (!write_one(out, next, now)) return;
        if (next.decision.item) shown_bytes_ -= next.decision.item->value.size();
        owed_.pop_front();
    }
}

// False: a large value is still to be sent before it.
bool Deciding::write_one(lib::ByteBuffer& out, const Owed& owed, const storage::Now& now) {
    OutcomeFrame outcome;
    outcome.number = owed.number;
    outcome.sender_now_ms = now.steady_ms;
    outcome.verdict = owed.verdict;
    const auto& shown = owed.decision.item;
    Known known;
    if (owed.verdict == VerdictWord::done && !shown)
        known = look_up(parts_.sink, *store_, owed.key, now);
    if (known.is_large || owed.shows_large) {
        const auto passage = passage_of(owed.place, parts_.sink, *store_);
        if (passage == Passage::to_come) return false;
        if (passage == Passage::unknown) outcome.verdict = VerdictWord::unknown;
    }
    if (outcome.verdict == VerdictWord::done) {
        outcome.decision = owed.decision;
        if (shown && shown->version != 0 && !owed.shows_large) known = known_by(*shown);
        outcome.record = known.record;
    }
    if (outcome.record) {
        outcome.record->key = owed.key;
        outcome.record->value = known.value;
    }
    write_outcome(out, outcome);
    return true;
}

void Deciding::end() noexcept {
    arriving_.reset();
    received_ = 0;
    owed_.clear();
    shown_bytes_ = 0;
    last_number_ = 0;
}

}  // namespace twincached::replication::pair

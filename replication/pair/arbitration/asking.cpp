#include "replication/pair/arbitration/asking.hpp"

#include "lib/allocation.hpp"

#include <utility>

namespace twincached::replication::pair {

using State = storage::Question::State;

void Asking::take(Asked question, const storage::Now& now) {
    const auto hash = store_->key(question->operation().key).hash;
    const auto place = place_in(parts_.sink, *store_, hash);
    waiting_.push_back({std::move(question), place, now.steady_ms});
}

// A client has one request under way, so that one which waits holds up no other. Where the log has
// forgotten what has changed nothing is sent before the buckets are compared, or it is too late.
void Asking::send(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) {
    auto next = waiting_.begin();
    while (next != waiting_.end() && out.size() < end_size && sent_.size() < requests_limit) {
        if (passage_of(next->place, parts_.sink, *store_) != Passage::sent) {
            ++next;
            continue;
        }
        const auto& operation = next->question->operation();
        sent_.push_back({last_number_ + 1, next->question, next->asked_ms});
        ++last_number_;
        std::size_t offset = 0;
        do {
            write_request(out, {last_number_, now.steady_ms, static_cast<std::uint32_t>(offset)},
                          operation);
            offset += request_piece_limit;
        } while (offset < operation.value.size());
        next = waiting_.erase(next);
    }
}

// Answers come in the order of the requests. The record is applied whether anybody still waits or
// not, and before anybody is told.
bool Asking::on_outcome(const Frame& frame, const storage::Now& now) {
    const auto to_expiry = [this](std::uint64_t ms) { return parts_.peer.to_expiry(ms); };
    auto outcome = read_outcome(frame.payload, to_expiry);
    if (!outcome || sent_.empty() || outcome->number != sent_.front().number) return false;
    if (!answers(*outcome, sent_.front().question->operation())) return false;
    parts_.peer.observe(outcome->sender_now_ms, now);
    if (outcome->record && !parts_.peer.apply(*outcome->record, now)) return false;
    if (sent_.front().is_awaited) settle_by(std::move(*outcome), *sent_.front().question, now);
    sent_.pop_front();
    return true;
}

// It speaks of what was asked, and of nothing else.
bool Asking::answers(const OutcomeFrame& outcome,
                     const storage::Operation& operation) const noexcept {
    if (outcome.verdict != VerdictWord::done) return !outcome.record;
    if (outcome.decision.result.index() != operation.request.index()) return false;
    return !outcome.record || outcome.record->key == operation.key;
}

void Asking::settle_by(OutcomeFrame outcome, storage::Question& question, const storage::Now& now) {
    if (outcome.verdict == VerdictWord::not_mine) return settle(question, State::undecided);
    if (outcome.verdict == VerdictWord::unknown) return settle(question, State::unknown);
    auto& decision = outcome.decision;
    if (decision.item && outcome.record) decision.item->value = outcome.record->value;
    if (decision.item && !outcome.record && decision.item->version != 0)
        find_large(decision, question.operation(), now);
    question.decide(std::move(decision));
    has_news_ = true;
}

// A large value has come before its OUTCOME, as every change does. If it has gone again, or another
// one has come, there is nothing to be read.
void Asking::find_large(storage::Decision& decision, const storage::Operation& operation,
                        const storage::Now& now) const {
    bool is_here = false;
    lib::MemoryGuard guard;
    store_->peek(store_->key(operation.key), now, guard.over([&](const storage::ItemView& item) {
        if (item.version != decision.item->version) return;
        decision.item->value = item.value;
        decision.item->client_flags = item.client_flags;
        decision.item->stale = item.stale;
        decision.item->binary_key = item.binary_key;
        is_here = true;
    }));
    guard.finish();
    if (is_here) return;
    decision.item.reset();
    decision.result = storage::ReadResult{storage::Miss::absent, {}, false};
}

void Asking::expire(const storage::Now& now) noexcept {
    while (!waiting_.empty() && is_late(waiting_.front().asked_ms, now)) {
        settle(*waiting_.front().question, State::unknown);
        waiting_.pop_front();
    }
    for (auto& sent : sent_) {
        if (!sent.is_awaited || !is_late(sent.asked_ms, now)) continue;
        settle(*sent.question, State::unknown);
        sent.is_awaited = false;
    }
}

void Asking::withdraw() noexcept {
    for (const auto& pending : waiting_)
        settle(*pending.question, State::undecided);
    waiting_.clear();
}

// First what has left, or may have begun to when there was no more memory.
void Asking::end(bool all_answered) noexcept {
    const auto state = all_answered ? State::undecided : State::unknown;
    for (const auto& sent : sent_)
        if (sent.is_awaited) settle(*sent.question, state);
    sent_.clear();
    withdraw();
    last_number_ = 0;
}

void Asking::settle(storage::Question& question, State state) noexcept {
    if (question.state() != State::asked) return;
    if (state == State::unknown) ++unknown_;
    question.end(state);
    has_news_ = true;
}

}  // namespace twincached::replication::pair

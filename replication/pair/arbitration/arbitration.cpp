#include "replication/pair/arbitration/arbitration.hpp"

#include <algorithm>

namespace twincached::replication::pair {

Arbitration::Arbitration(const Parts& parts, const ArbitrationDesk::Options& options)
    : parts_(parts),
      mode_(options.mode),
      asking_({parts.sink, *this}),
      deciding_({parts.sink, *this}) {
    asking_.set_timeout(options.timeout);
}

void Arbitration::attach(storage::Store& store) noexcept {
    store_ = &store;
    asking_.attach(store);
    deciding_.attach(store);
}

void Arbitration::begin(bool first, bool knows) noexcept {
    end();
    knows_ = knows;
    if (knows) seat_.begin(first);
}

void Arbitration::end() noexcept {
    knows_ = false;
    has_linked_ = false;
    peer_mode_ = storage::Arbitration::off;
    to_be_sent_.clear();
    // Who has passed his seat had answered all that he had executed.
    asking_.end(seat_.decides());
    seat_.end();
    deciding_.end();
}

bool Arbitration::told(std::uint8_t mode, std::uint32_t term) noexcept {
    constexpr auto last_mode = static_cast<std::uint8_t>(storage::Arbitration::all);
    // One that a later version knows is no weaker than any of these.
    peer_mode_ = static_cast<storage::Arbitration>(std::min(mode, last_mode));
    return seat_.told(term);
}

storage::Arbitration Arbitration::in_force() const noexcept {
    return knows_ ? std::min(mode_, peer_mode_) : storage::Arbitration::off;
}

// What has waited is not decided: a node that was given up by the other does not go before it.
bool Arbitration::on_frame(const Frame& frame, const storage::Now& now, bool has_waited) {
    if (!knows_ || !is_in_order(frame)) return false;
    if (frame.type == FrameType::request)
        return deciding_.on_request(frame, seat_.decides() && !has_waited, now);
    return frame.type == FrameType::outcome && asking_.on_outcome(frame, now);
}

// First it is said what is to be asked, then what was asked is taken: whoever asks afterwards has
// seen what holds. Where nothing is asked any more the clients' requests are theirs again. Nodes
// that have been in step go on so until their session ends, also while buckets are compared: what
// waits for one of these waits, and nobody decides beside the other.
void Arbitration::tend(bool is_linked, const storage::Now& now) {
    has_linked_ = has_linked_ || (knows_ && is_linked);
    const auto in_step = has_linked_ ? in_force() : storage::Arbitration::off;
    const bool asks = seat_.may_ask() || seat_.is_leaving();
    const auto scope = asks ? in_step : storage::Arbitration::off;
    if (parts_.desk == nullptr) {
        holding_ = in_step;
        return;
    }
    parts_.desk->offer(scope);
    if (parts_.desk->is_seen()) holding_ = in_step;
    if (parts_.desk->has_asked())
        for (auto& question : parts_.desk->take())
            asking_.take(std::move(question), now);
    if (scope == storage::Arbitration::off) asking_.withdraw();
    asking_.expire(now);
}

// Rule A4: what was decided here is in the stream before the seat is passed.
void Arbitration::leave() {
    auto& sink = parts_.sink;
    // A client's thread may be about to decide by the offer before.
    if (parts_.desk != nullptr && !parts_.desk->is_seen()) return;
    if (deciding_.has_work()) return;
    if (to_be_sent_.empty()) {
        for (unsigned i = 0; i < sink.shard_count(); ++i) {
            ChangeLog::Position tail = 0;
            store_->with_shard(i, [&](storage::Shard&) { tail = sink.shard(i).log.tail(); });
            to_be_sent_.push_back(tail);
        }
    }
    bool is_sent = parts_.exchange.dirty_buckets() == 0;
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        store_->with_shard(i, [&](storage::Shard&) {
            const auto& tracking = sink.shard(i);
            is_sent = is_sent && tracking.buckets.walking_count() == 0 &&
                      tracking.log.has_sent(to_be_sent_[i] - 1);
        });
    }
    if (!is_sent) return;
    to_be_sent_.clear();
    seat_.pass();
}

void Arbitration::produce(lib::ByteBuffer& out, std::size_t room, const storage::Now& now) {
    if (!knows_ || !parts_.exchange.is_between_changes()) return;
    const auto end_size = out.size() + room;
    deciding_.send(out, end_size, now);
    if (seat_.is_leaving()) leave();
    if (seat_.may_ask()) asking_.send(out, end_size, now);
}

void Arbitration::wake_clients() noexcept {
    if (asking_.take_news() && parts_.desk != nullptr) parts_.desk->wake_waiters();
}

}  // namespace twincached::replication::pair

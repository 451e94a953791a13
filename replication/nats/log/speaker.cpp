#include "replication/nats/log/speaker.hpp"

#include <algorithm>

namespace twincached::replication::nats {

// Later sessions are higher, also after a restart, and whatever this node's clock says: who took
// part before and does not hear that would take all that it says for late.
void Speaker::begin_session() {
    // Pieces of a value that were said in another session are nobody's (RecordApplier).
    if (sender_.has_begun()) sender_.on_lost();
    const auto heard = context_.members[context_.options.node].session;
    session_ = std::max(session_ + 1, heard + 1);
    number_ = data_number_ = 0;
}

// Two that have one number, and begin in the same millisecond, still differ.
void Speaker::begin_after(std::int64_t broker_ms) noexcept {
    constexpr unsigned tie_bits = 10;
    if (number_ != 0) return;
    const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(broker_ms, 0));
    const auto tie = incarnation_ & ((1U << tie_bits) - 1);
    session_ = std::max(session_, ((ms + 1) << tie_bits) + tie);
}

void Speaker::begin_message(const SelfDescription& self) {
    MessageHeader header;
    header.is_ready = self.is_ready;
    header.is_in_step = self.is_in_step;
    header.claims = self.claims;
    header.leaves = self.leaves;
    header.disbelieved = self.disbelieved;
    header.node = static_cast<std::uint8_t>(context_.options.node);
    header.hash_check = context_.hash_check;
    header.incarnation = incarnation_;
    header.session = session_;
    header.number = ++number_;
    header.era = self.is_in_step ? context_.era : 0;
    header.stream_count = context_.stream_count();
    for (unsigned i = 0; i < header.stream_count; ++i) {
        const auto& place = context_.places[i];
        header.streams[i] = {tag_of(context_.options.streams[i]), place.epoch,
                             place.is_known ? sender_.came_to(i) : 0};
    }
    out_.clear();
    write_header(out_, header);
}

void Speaker::publish(const SelfDescription& self) {
    is_waiting_ = true;
    said_ = self;
    said_at_ms_ = context_.now.steady_ms;
    broker_.publish(++token_, out_.readable());
}

void Speaker::say(const SelfDescription& self) {
    begin_message(self);
    publish(self);
}

bool Speaker::say_data(const SelfDescription& self) {
    begin_message(self);
    if (!sender_.make(out_)) {
        --number_;
        return false;
    }
    data_number_ = number_;
    data_at_ms_ = context_.now.steady_ms;
    data_stored_ = 0;
    publish(self);
    return true;
}

bool Speaker::on_published(Token token, Sequence sequence) {
    if (!is_waiting_ || token != token_) return false;
    is_waiting_ = false;
    refused_since_ms_ = 0;
    taken_at_ms_ = context_.now.steady_ms;
    context_.published = std::max(context_.published, sequence);
    if (number_ != data_number_) return true;
    data_stored_ = sequence;
    on_read(context_.places[own_stream].consumed);
    return true;
}

bool Speaker::on_not_published(Token token) {
    if (!is_waiting_ || token != token_) return false;
    is_waiting_ = false;
    if (refused_since_ms_ == 0) refused_since_ms_ = said_at_ms_;
    context_.counters.add(ClusterCounter::not_published);
    if (number_ == data_number_) lose_data();
    return true;
}

void Speaker::on_heard(const MessageHeader& header, Sequence sequence, bool is_taken) {
    if (header.session != session_) return;
    if (header.number == number_) {
        is_waiting_ = false;
        heard_said_ms_ = said_at_ms_;
    }
    refused_since_ms_ = 0;
    taken_at_ms_ = context_.now.steady_ms;
    if (header.number != data_number_ || !sender_.is_on_its_way()) return;
    if (!is_taken) return lose_data();
    sender_.on_told(sequence);
}

// Something else stands where it was stored.
void Speaker::on_read(Sequence sequence) {
    if (data_stored_ != 0 && sequence >= data_stored_) lose_data();
}

void Speaker::on_disconnected() {
    if (is_waiting_) (void)on_not_published(token_);
    refused_since_ms_ = 0;
    lose_data();
}

void Speaker::lose_data() {
    data_stored_ = 0;
    if (sender_.is_on_its_way()) sender_.on_lost();
}

}  // namespace twincached::replication::nats

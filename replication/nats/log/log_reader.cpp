#include "replication/nats/log/log_reader.hpp"

#include <algorithm>
#include <new>

namespace twincached::replication::nats {

bool LogReader::tells_of_another_log(const Delivery& delivery) const noexcept {
    const auto message = read_message(delivery.payload);
    if (!message || message->header.hash_check != context_.hash_check) return false;
    const auto& home = message->header.streams[0];
    const auto& place = context_.places[delivery.stream];
    return home.tag == tag_of(context_.options.streams[delivery.stream]) && place.epoch != 0 &&
           home.created > place.epoch;
}

Heard LogReader::read(const Delivery& delivery) {
    auto& place = context_.places[delivery.stream];
    place.last = std::max(place.last, delivery.sequence + delivery.pending);
    Heard heard;
    const auto message = read_message(delivery.payload);
    if (message && message->header.hash_check == context_.hash_check) {
        const auto before = context_.members[message->header.node];
        heard = judge(delivery, message->header);
        auto& arriving = arriving_[message->header.node];
        const bool is_new_session = before.session != message->header.session;
        const bool is_taken = heard.hearing == MemberTable::Hearing::taken;
        if (heard.hearing != MemberTable::Hearing::is_late && (is_new_session || !is_taken))
            arriving.reset();
        if (is_taken && place.is_known && !heard.is_own) {
            applier_.set_speaker(before);
            const auto refused = context_.counters.get(ClusterCounter::versions_refused);
            apply(delivery, *message);
            heard.is_disbelieved =
                context_.counters.get(ClusterCounter::versions_refused) != refused;
            if (!message->frames.empty())
                context_.members.set_disbelieved(message->header.node, heard.is_disbelieved);
        }
    } else {
        context_.counters.add(ClusterCounter::messages_refused);
    }
    place.consumed = delivery.sequence;
    place.consumed_ms = delivery.time;
    return heard;
}

Heard LogReader::judge(const Delivery& delivery, const MessageHeader& header) {
    Heard heard;
    heard.is_message = true;
    heard.header = header;
    const bool has_own_number = header.node == context_.options.node;
    heard.is_own = has_own_number && header.incarnation == incarnation_;
    heard.is_namesakes = has_own_number && !heard.is_own;
    // Of the streams that this node reads how far the other has come, if it reads the same.
    std::array<Sequence, streams_limit> progress{};
    bool reads_here = false;
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const auto tag = tag_of(context_.options.streams[i]);
        for (unsigned j = 0; j < header.stream_count; ++j) {
            const auto& theirs = header.streams[j];
            if (theirs.tag != tag) continue;
            reads_here = reads_here || i == own_stream;
            const bool is_same = theirs.created != 0 && theirs.created == context_.places[i].epoch;
            if (is_same) progress[i] = theirs.consumed;
        }
    }
    heard.hearing = context_.members.hear(delivery.stream, delivery.time, header, progress);
    if (heard.hearing == MemberTable::Hearing::is_late) {
        context_.counters.add(ClusterCounter::messages_late);
        return heard;
    }
    context_.members.set_reads_here(header.node, reads_here);
    if (header.claims) heard.is_claim_granted = context_.members.grant_claim(header.node);
    if (heard.is_own) context_.clock.observe(delivery.time, context_.now);
    if (!heard.is_own) context_.counters.add(ClusterCounter::messages_received);
    return heard;
}

void LogReader::apply(const Delivery& delivery, const Message& message) {
    const auto records = applier_.records();
    auto bytes = message.frames;
    try {
        while (!bytes.empty()) {
            const auto read = read_frame(bytes);
            const bool is_sane = read.status == FrameStatus::complete &&
                                 applier_.apply(read.frame, {delivery.stream, delivery.sequence},
                                                arriving_[message.header.node]);
            if (!is_sane) {
                context_.counters.add(ClusterCounter::messages_refused);
                break;
            }
            bytes.remove_prefix(read.size);
        }
    } catch (const std::bad_alloc&) {
        // It is known as heard, and was not applied as a whole.
        context_.places[delivery.stream].is_known = false;
        throw;
    }
    context_.counters.add(ClusterCounter::records_received, applier_.records() - records);
}

}  // namespace twincached::replication::nats

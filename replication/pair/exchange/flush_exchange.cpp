#include "replication/pair/exchange/flush_exchange.hpp"

#include "replication/records/data_frames.hpp"

#include <cstddef>

namespace twincached::replication::pair {

void FlushExchange::begin(const Standing& peer, const ClockOffset& offset) noexcept {
    if (peer.flush_version != 0) context_.store->apply_flush(peer.flush_version);
    context_.sink.peer_knows_flush(peer.flush_version);
    // A flush after our own HELLO, told to a session that was lost, would otherwise be unheard of.
    if (context_.store->flush_version() > peer.flush_version) context_.sink.tell_of_flush();
    const auto schedule = context_.store->flush_schedule();
    if (schedule.version > peer.schedule_version) context_.sink.on_flush_scheduled(0, 0);
    if (peer.schedule_version == 0) return;
    const bool is_called_off = peer.schedule_at_ms == 0;
    const auto at_ms = is_called_off ? 0 : offset.to_local_ms(peer.schedule_at_ms);
    context_.store->apply_flush_schedule(at_ms, peer.schedule_version);
}

void FlushExchange::send(lib::ByteBuffer& out, const storage::Now& now) {
    if (context_.sink.take_flush_news()) send_flush(out, now);
    if (context_.sink.take_schedule_news()) send_schedule(out, now);
}

// How many flushes it tells of is counted before it is asked which was the last: one that comes in
// between is told again rather than never.
void FlushExchange::send_flush(lib::ByteBuffer& out, const storage::Now& now) {
    const auto before = out.size();
    InFlight frame;
    frame.content = InFlight::Content::flush;
    frame.position = context_.sink.flushes();
    frame.cost = context_.store->flush_version();
    write_frame(out, context_.window.next_seq(), Flush{frame.cost});
    frame.bytes = out.size() - before;
    frame.sent_ms = now.steady_ms;
    context_.window.add(frame);
}

void FlushExchange::send_schedule(lib::ByteBuffer& out, const storage::Now& now) {
    const auto before = out.size();
    const auto schedule = context_.store->flush_schedule();
    write_frame(out, context_.window.next_seq(),
                Schedule{now.steady_ms, schedule.at_steady_ms, schedule.version});
    InFlight frame;
    frame.bytes = out.size() - before;
    frame.sent_ms = now.steady_ms;
    context_.window.add(frame);
}

}  // namespace twincached::replication::pair

#include "app/sessions/tls_channel.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace twincached::app {
namespace {

// Pieces of an answer below this size share a record with their neighbours.
constexpr std::size_t gathered_below = 4 * 1024;

}  // namespace

TlsChannel::TlsChannel(int descriptor, ListenerTls listener, ClientTls& tls,
                       protocol::ThreadCounters& counters)
    : descriptor_(descriptor), tls_(tls), counters_(counters), stream_(tls.accept(listener)) {}

void TlsChannel::begin_turn(SessionBuffers& buffers, storage::Tick now) {
    now_ = now;
    for (auto* own : {&stream_->incoming(), &stream_->outgoing()}) {
        auto shared = buffers.take_ciphertext();
        shared.append(own->readable());
        *own = std::move(shared);
    }
}

void TlsChannel::end_turn(SessionBuffers& buffers) {
    for (auto* own : {&stream_->incoming(), &stream_->outgoing()}) {
        lib::ByteBuffer rest;
        rest.append(own->readable());
        buffers.give_back_ciphertext(std::exchange(*own, std::move(rest)));
    }
}

Transferred TlsChannel::receive(char* into, std::size_t size) {
    const auto before = stream_->state();
    auto result = receive_more(into, size);
    note_progress(before);
    // What the handshake has to say. Whatever does not leave now is sent before the next answer.
    if (has_unsent() && result.outcome == Transfer::would_block) {
        const auto flushed = flush();
        if (flushed != Transfer::done) result.outcome = flushed;
    }
    return result;
}

Transferred TlsChannel::receive_more(char* into, std::size_t size) {
    auto count = stream_->read({into, size});
    auto outcome = Transfer::would_block;
    const auto may_come = [&] { return stream_->state() <= State::open; };
    if (count < size && may_come()) {
        auto& incoming = stream_->incoming();
        auto* place = incoming.prepare(SessionBuffers::read_size);
        const auto got = app::receive(descriptor_, place, incoming.writable_size());
        outcome = got.outcome;
        incoming.commit(got.count);
        has_heard_ = has_heard_ || got.count > 0;
        // Whoever comes and goes without a word, as health checks do, has not failed at anything.
        if (got.outcome > Transfer::would_block && has_heard_) stream_->end_incoming();
        count += stream_->read({into + count, size - count});
    }
    if (count > 0) return {Transfer::done, count};
    // Ciphertext alone was read: the kernel is asked again when it has more.
    if (outcome == Transfer::done && may_come()) outcome = Transfer::would_block;
    if (may_come()) return {outcome, 0};
    return {stream_->state() == State::ended ? Transfer::ended : Transfer::broken, 0};
}

void TlsChannel::note_progress(State before) noexcept {
    const auto after = stream_->state();
    if (before == after) return;
    if (before == State::handshake && after != State::failed && !stream_->is_resumed()) {
        counters_.totals.add(protocol::Count::tls_sessions);
    }
    if (after != State::failed) return;
    const bool in_handshake = before == State::handshake;
    counters_.totals.add(in_handshake ? protocol::Count::tls_handshake_errors
                                      : protocol::Count::tls_protocol_errors);
    tls_.note_failure(descriptor_, stream_->why(), now_);
}

Transferred TlsChannel::send(std::span<const std::string_view> segments) {
    const auto earlier = flush();
    if (earlier != Transfer::done) return {earlier, 0};
    const auto before = stream_->state();
    const auto count = encrypt(segments);
    note_progress(before);
    if (stream_->state() == State::failed) return {Transfer::broken, 0};
    const auto flushed = flush();
    return flushed > Transfer::would_block ? Transferred{flushed, 0}
                                           : Transferred{Transfer::done, count};
}

// Encrypts the beginning of what the segments hold, up to the write limit.
std::size_t TlsChannel::encrypt(std::span<const std::string_view> segments) {
    std::array<char, lib::TlsStream::record_size> gathered;
    std::size_t waiting = 0;
    std::size_t count = 0;
    const auto limit = tls_.write_limit_bytes();
    for (auto segment : segments) {
        segment = segment.substr(0, limit - count);
        count += segment.size();
        const bool is_small = segment.size() < gathered_below;
        if (!is_small || waiting + segment.size() > gathered.size()) {
            stream_->write({gathered.data(), std::exchange(waiting, 0)});
        }
        if (is_small) {
            std::copy(segment.begin(), segment.end(), gathered.begin() + waiting);
            waiting += segment.size();
        } else {
            stream_->write(segment);
        }
        if (count == limit) break;
    }
    stream_->write({gathered.data(), waiting});
    return count;
}

Transfer TlsChannel::flush() noexcept {
    auto& outgoing = stream_->outgoing();
    while (!outgoing.empty()) {
        const std::array bytes{outgoing.readable()};
        const auto sent = app::send(descriptor_, bytes);
        if (sent.outcome != Transfer::done) return sent.outcome;
        outgoing.consume(sent.count);
    }
    return Transfer::done;
}

void TlsChannel::say_goodbye() noexcept {
    stream_->say_goodbye();
    flush();
}

void TlsChannel::give_handshake_up(storage::Tick now) noexcept {
    counters_.totals.add(protocol::Count::tls_handshake_errors);
    tls_.note_failure(descriptor_, "no handshake in time", now);
}

}  // namespace twincached::app

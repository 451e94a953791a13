#include "test/model/fingerprint.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace twincached::model {

namespace {

// Reader and Writer visit a state's members in one order, so that the two cannot drift apart. Of
// what the bounds leave unused they see nothing.
class Writer {
  public:
    Writer(const Bounds& bounds, EncodedState& bytes) : keys(bounds.keys), bytes_(bytes) {
        with_rollbacks = bounds.events.rollbacks > 0;
        with_restarts = bounds.events.restarts > 0;
        with_digests = bounds.digests > 0;
        with_schedules = bounds.events.schedules > 0;
        with_forgeries = bounds.events.forgeries > 0;
    }

    template <class T>
    void operator()(const T& value) {
        const auto number = static_cast<std::uint16_t>(value);
        bytes_.push(static_cast<std::uint8_t>(number));
        if constexpr (sizeof(T) == 2) bytes_.push(static_cast<std::uint8_t>(number >> 8));
    }

    unsigned keys;
    bool with_rollbacks;
    bool with_restarts;
    bool with_digests;
    bool with_schedules;
    bool with_forgeries;

  private:
    EncodedState& bytes_;
};

class Reader {
  public:
    Reader(const Bounds& bounds, std::span<const std::uint8_t> bytes)
        : keys(bounds.keys),
          with_rollbacks(bounds.events.rollbacks > 0),
          with_restarts(bounds.events.restarts > 0),
          with_digests(bounds.digests > 0),
          with_schedules(bounds.events.schedules > 0),
          with_forgeries(bounds.events.forgeries > 0),
          bytes_(bytes) {}

    template <class T>
    void operator()(T& value) {
        unsigned number = bytes_[place_++];
        if constexpr (sizeof(T) == 2) number |= static_cast<unsigned>(bytes_[place_++]) << 8;
        value = static_cast<T>(number);
    }

    unsigned keys;
    bool with_rollbacks;
    bool with_restarts;
    bool with_digests;
    bool with_schedules;
    bool with_forgeries;

  private:
    std::span<const std::uint8_t> bytes_;
    std::size_t place_ = 0;
};

template <class Visitor, class Versions>
void visit_versions(Visitor& visit, Versions& versions) {
    for (unsigned key = 0; key < visit.keys; ++key)
        visit(versions[key]);
}

template <class Visitor, class ProgressType>
void visit_progress(Visitor& visit, ProgressType& progress) {
    if (!visit.with_rollbacks) return;
    visit(progress.session);
    visit(progress.sent);
    visit(progress.applied);
    visit(progress.heard_session);
    visit(progress.heard_applied);
    visit(progress.heard_acknowledged);
}

template <class Visitor, class NodeType>
void visit_node(Visitor& visit, NodeType& node) {
    visit_versions(visit, node.items);
    visit_versions(visit, node.heard);
    visit(node.expired);
    visit(node.flush);
    visit(node.flush_told);
    visit(node.time);
    visit(node.log_size);
    for (unsigned i = 0; i < node.log_size; ++i) {
        auto& entry = node.log[i];
        visit(entry.key);
        visit(entry.sequence);
        visit(entry.whole);
        visit(entry.version);
    }
    visit(node.dirty);
    visit(node.unreported);
    visit(node.walk);
    visit(node.epoch);
    visit(node.peer_epoch);
    visit(node.stage);
    visit(node.stale_stage);
    visit(node.unacknowledged);
    visit(node.common_point);
    visit_progress(visit, node.progress);
    if (visit.with_rollbacks) {
        visit(node.next_session);
        visit(node.former_peers);
    }
    if (visit.with_digests) visit(node.list_asked);
    if (visit.with_schedules) {
        visit(node.schedule);
        visit(node.schedule_pending);
        visit(node.schedule_own);
        visit(node.schedule_told);
    }
    if (!visit.with_restarts) return;
    visit(node.recalled);
    visit(node.was_alone);
}

template <class Visitor, class FrameType>
void visit_frame(Visitor& visit, FrameType& frame) {
    visit(frame.kind);
    if (frame.kind == FrameKind::ready || frame.kind == FrameKind::list_request) return;
    visit(frame.sequence);
    if (frame.kind == FrameKind::ack || frame.kind == FrameKind::want) {
        visit(frame.wants);
        return;
    }
    visit(frame.key);
    visit(frame.version);
    if (visit.with_forgeries) visit(frame.forged);
    const bool is_list = frame.kind == FrameKind::list;
    if (is_list || frame.kind == FrameKind::digest) visit_versions(visit, frame.listed);
    if (is_list) visit_versions(visit, frame.heard);
    const bool is_hello = frame.kind == FrameKind::hello;
    if (visit.with_schedules && (is_hello || frame.kind == FrameKind::schedule)) {
        visit(frame.schedule);
        visit(frame.schedule_pending);
    }
    if (is_hello) {
        visit(frame.epoch);
        visit(frame.time);
        visit(frame.peer_epoch);
        visit_progress(visit, frame.progress);
    }
}

template <class Visitor, class ChannelType>
void visit_channel(Visitor& visit, ChannelType& channel) {
    visit(channel.size);
    for (unsigned i = 0; i < channel.size; ++i)
        visit_frame(visit, channel.frames[i]);
}

template <class Visitor, class EventsType>
void visit_events(Visitor& visit, EventsType& events) {
    visit(events.writes);
    visit(events.touches);
    visit(events.flushes);
    visit(events.evictions);
    visit(events.expiries);
    visit(events.overflows);
    visit(events.breaks);
    visit(events.crashes);
    visit(events.rollbacks);
    visit(events.restarts);
    visit(events.clock_jumps);
    visit(events.schedules);
    if (visit.with_forgeries) visit(events.forgeries);
}

template <class Visitor, class StateType>
void visit_state(Visitor& visit, StateType& state) {
    for (auto& node : state.nodes)
        visit_node(visit, node);
    for (auto& channel : state.to)
        visit_channel(visit, channel);
    for (auto& channel : state.stale_to)
        visit_channel(visit, channel);
    visit_events(visit, state.spent);
    visit(state.forgetful);
    if (visit.with_schedules) visit(state.is_due);
    if (!visit.with_rollbacks) return;
    visit(state.snapshot_of);
    visit_node(visit, state.snapshot);
}

}  // namespace

// Flattened, what is written stays in registers: encoding was a third of a search.
[[gnu::flatten]] void encode(const State& state, const Bounds& bounds,
                             EncodedState& bytes) noexcept {
    bytes.clear();
    Writer writer(bounds, bytes);
    visit_state(writer, state);
}

[[gnu::flatten]] State decode(std::span<const std::uint8_t> bytes, const Bounds& bounds) noexcept {
    State state;
    Reader reader(bounds, bytes);
    visit_state(reader, state);
    return state;
}

Fingerprint fingerprint(std::span<const std::uint8_t> bytes) noexcept {
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
    return {hash.low64, hash.high64};
}

}  // namespace twincached::model

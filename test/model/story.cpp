#include "test/model/story.hpp"

#include "test/model/search.hpp"

#include <string_view>

namespace twincached::model {

namespace {

std::string letter(Side side) {
    return side == 0 ? "A" : "B";
}

std::string key_name(unsigned key) {
    return "k" + std::to_string(key);
}

std::string sentence_of(const Frame& frame, unsigned keys) {
    const std::string what = key_name(frame.key) + " " + name_of(frame.version);
    switch (frame.kind) {
        case FrameKind::hello:
            return "HELLO (F " + name_of(frame.version) + ")";
        case FrameKind::ready:
            return "READY";
        case FrameKind::item:
            return "ITEM " + what;
        case FrameKind::touch:
            return "TOUCH " + what;
        case FrameKind::remove:
            return "DEL " + what;
        case FrameKind::flush:
            return "FLUSH " + name_of(frame.version);
        case FrameKind::schedule:
            return "SCHED " + name_of(frame.schedule);
        case FrameKind::list:
        case FrameKind::digest:
            break;
        case FrameKind::list_request:
            return "LIST PLEASE";
        case FrameKind::ack:
        case FrameKind::want: {
            std::string text = frame.kind == FrameKind::ack ? "ACK" : "WANT";
            for (unsigned key = 0; key < keys; ++key)
                if ((frame.wants >> key & 1U) != 0) text += " wanting " + key_name(key);
            return text;
        }
    }
    std::string text = frame.kind == FrameKind::list ? "LIST" : "DIGEST";
    text += " (M " + name_of(frame.version);
    for (unsigned key = 0; key < keys; ++key)
        if (frame.listed[key] != 0) text += ", " + key_name(key) + " " + name_of(frame.listed[key]);
    return text + ")";
}

std::string last_sent(const State& after, const Move& move, unsigned keys) {
    const Channel& out = after.to[peer_of(move.side)];
    return out.empty() ? "nothing" : sentence_of(out.frames[out.size - 1U], keys);
}

std::string first_waiting(const Channel& in, unsigned keys) {
    return in.empty() ? "nothing" : sentence_of(in.frames[0], keys);
}

std::string sentence_of(const Move& move, const State& before, const State& after, unsigned keys) {
    const std::string key = key_name(move.key);
    const Node& node = after.nodes[move.side];
    const std::string now = name_of(node.heard[move.key]);
    switch (move.kind) {
        case MoveKind::write_key:
            return "a client sets " + key + ": " + now;
        case MoveKind::delete_key:
            return "a client deletes " + key + ": " + now;
        case MoveKind::touch_key:
            return "a client touches " + key + ": " + now;
        case MoveKind::flush_all:
            return "a client flushes all: " + name_of(node.flush);
        case MoveKind::schedule_flush:
            return "a client schedules a flush: " + name_of(node.schedule);
        case MoveKind::come_due:
            return "and its peer see the time of scheduled flushes come";
        case MoveKind::fire_schedule:
            return "carries out or gives up a scheduled flush: F " + name_of(node.flush);
        case MoveKind::evict_key:
            return "evicts " + key;
        case MoveKind::expire_key:
            return "has " + key + " expire, unnoticed";
        case MoveKind::overflow_log:
            return "loses the oldest log entry to an overflow";
        case MoveKind::jump_clock:
            return "has its clock jump ahead";
        case MoveKind::take_snapshot:
            return "is saved in a snapshot";
        case MoveKind::lose_connection:
            return "loses the connection";
        case MoveKind::crash:
            return "crashes and restarts empty";
        case MoveKind::roll_back:
            return "is set back to its snapshot";
        case MoveKind::restart_with_memory:
            return "restarts with its memory";
        case MoveKind::restart_with_old_memory:
            return "restarts with the memory of its snapshot";
        case MoveKind::give_up_memory:
            return "finds nobody who confirms its memory, and forgets it";
        case MoveKind::forge_version:
        case MoveKind::forge_flush:
            return "is to receive, forged, " + first_waiting(after.to[move.side], keys);
        case MoveKind::dial:
            return "dials; both say HELLO";
        case MoveKind::skip_entry:
            return "skips an entry: the peer wrote that itself";
        case MoveKind::send_entry:
        case MoveKind::send_touch:
        case MoveKind::send_list:
        case MoveKind::send_digest:
        case MoveKind::send_flush:
        case MoveKind::send_schedule:
            return "sends " + last_sent(after, move, keys);
        case MoveKind::receive:
            return "receives " + first_waiting(before.to[move.side], keys);
        case MoveKind::receive_without_memory:
            return "has no memory for " + first_waiting(before.to[move.side], keys);
        case MoveKind::receive_stale:
            return "receives, from the older connection, " +
                   first_waiting(before.stale_to[move.side], keys);
        case MoveKind::free_by_timer:
            return "frees its oldest sent entry by a timer";
        case MoveKind::receive_ack_early:
            return "receives an ACK before the records ahead of it";
    }
    return {};
}

std::string summary_of(const Node& node, unsigned keys) {
    std::string text;
    for (unsigned key = 0; key < keys; ++key) {
        if (node.items[key] == 0) continue;
        const bool expired = (node.expired >> key & 1U) != 0;
        text += key_name(key) + "=" + name_of(node.items[key]) + (expired ? "(expired) " : " ");
    }
    for (unsigned i = 0; i < node.log_size; ++i) {
        const LogEntry& entry = node.log[i];
        text += std::string(entry.sequence != 0 ? "sent:" : "log:") + key_name(entry.key) + "@" +
                name_of(entry.version) + " ";
    }
    if (node.dirty) text += "DIRTY ";
    if (node.walk != 0) text += "walking ";
    if (node.unreported != 0) text += "M=" + name_of(node.unreported) + " ";
    if (node.flush != 0) text += "F=" + name_of(node.flush) + " ";
    return text.empty() ? "-" : text;
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
    return text;
}

}  // namespace

std::string name_of(Version version) {
    if (version == 0) return "none";
    std::string text = is_delete(version) ? "x" : "";
    text += std::to_string(time_of(version)) + letter(writer_of(version));
    if (touches_of(version) != 0)
        text += "." + std::to_string(touches_of(version)) + letter(toucher_of(version));
    return text;
}

std::string tell(const Rules& rules, const std::vector<Move>& history) {
    const unsigned keys = rules.bounds.keys;
    std::string text;
    State state = first_state(rules);
    for (std::size_t i = 0; i < history.size(); ++i) {
        const State before = state;
        perform(rules, history[i], state);
        const std::string sentence = sentence_of(history[i], before, state, keys);
        text += padded(std::to_string(i + 1), 4) + letter(history[i].side) + " " +
                padded(sentence, 52) + " | A " + padded(summary_of(state.nodes[0], keys), 28) +
                "| B " + summary_of(state.nodes[1], keys) + "\n";
    }
    return text;
}

}  // namespace twincached::model

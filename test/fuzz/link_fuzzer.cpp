// A hostile peer on the link, before and after its handshake: whatever arrives, in whatever order
// and however cut, on connections that it opened or that we dialled, read by it or not. Frames get
// valid checksums, or nothing would pass the first gate. Beyond "it neither crashes nor leaks"
// these hold after every event, and again at the end:
//
//     output    what is written to it and not taken is bounded, and so is the number of
//     connections;
//               while the output of a session is full nothing is added to it
//     memory    so is all that the node holds because of it (where the sanitizer counts)
//     versions  no clock, flush or item is further ahead than clock-max-ahead allows
//     no stall  a PING of a session is answered, or the session is over and a line says why; a peer
//               that comes next gets a session; a client's set is stored, and is read again
#include "lib/byte_buffer.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/link/engine.hpp"
#include "replication/records/arbitration_frames.hpp"
#include "replication/records/frame.hpp"
#include "replication/records/wall_clock.hpp"
#include "replication/records/wire.hpp"
#include "storage/store.hpp"
#include "test/fuzz/demand.hpp"
#include "test/unit/replication/hostile_peer.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#define COUNTS_MEMORY 1
#endif
#endif

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

// A handshake's last words, to as many as may be there.
constexpr std::size_t output_bound_bytes =
    Engine::output_bound_bytes + Connections::connection_limit * (std::size_t{4} << 10);
// The store's 8 MiB, the log's one, what is written, one frame and one large value on their way in,
// and what this program and the network that it plays hold themselves.
constexpr std::size_t memory_bound_bytes = std::size_t{64} << 20;
constexpr std::uint64_t day_ms = 24ULL * 3600 * 1000;  // clock-max-ahead, as it comes
// From the highest version that is believed the node's own writes count on.
constexpr std::uint64_t own_writes_ms = 1000;

std::size_t allocated_bytes() {
#ifdef COUNTS_MEMORY
    return __sanitizer_get_current_allocated_bytes();
#else
    return 0;
#endif
}

class Attack {
  public:
    explicit Attack(std::string_view script)
        : allocated_before_(allocated_bytes()),
          in_(script),
          is_secret_((in_.u8() & 1U) != 0),
          peer_(is_secret_ ? "secret" : "") {
        peer_.few_items = 64;
    }

    void run() {
        while (in_.remaining() > 0) {
            const auto number = peer_.engine.session_number();
            const auto waiting = peer_.untaken(session_);
            act(in_.u8() % 22);
            check();
            const bool was_full = waiting >= Engine::output_limit_bytes;
            const bool goes_on = number != 0 && peer_.engine.session_number() == number;
            if (was_full && goes_on)
                demand(peer_.untaken(session_) <= waiting, "nothing is added to a full output");
        }
        check_no_stall();
    }

  private:
    // --- what it does ------------------------------------------------------------------------
    void act(unsigned what) {
        switch (what) {
            case 0:
                if (!peer_.answer_dial()) peer_.call();
                return;
            case 1:
                peer_.call();
                return;
            case 2:
                if (!is_there()) return;
                return peer_.introduce();
            case 3:
                return say_hello();
            case 4:
                return say(FrameType::ready, 0, {});
            case 5: {
                const auto type = static_cast<FrameType>(in_.u8());
                const auto number = in_.u8();
                return say(type, number, some_bytes(in_.u8()));
            }
            case 6:
                return say_bytes(some_bytes(in_.u8()));
            case 7:
                return peer_.pass(std::chrono::milliseconds(in_.u8() * 10U));
            case 8:
                return begin_session();
            case 9:
                if (is_there()) peer_.say(Ping{.steady_ms = in_.u8(), .version_time = time()});
                return;
            case 10:
                peer_.takes = !peer_.takes;
                if (peer_.takes) peer_.take_all();
                return;
            case 11:
                if (is_there()) peer_.close();
                return;
            default:
                if (has_session()) act_in_session(what);
        }
    }
    void act_in_session(unsigned what) {
        switch (what) {
            case 12:
                return peer_.say_record(record());
            case 13:
                return say_segment();
            case 14:
                return peer_.say_list(in_.u16(), version(), items());
            case 15:
                return peer_.say_digests(in_.u16(), digests(),
                                         in_.u8() % 2 == 0 ? FrameType::digest : FrameType::scrub);
            case 16:
                return peer_.say_next(Flush{version()});
            case 17:
                return peer_.say_next(Schedule{in_.u32(), in_.u32(), version()});
            case 18: {
                const std::vector<std::uint64_t> wants(in_.u8(), in_.u64());
                return peer_.say(Ack{in_.u8(), in_.u8(), wants});
            }
            case 20:
                return say_request();
            case 21:
                return say_who_decides();
            default:
                write_as_client();
                return;
        }
    }
    void begin_session() {
        set_hello();
        if (is_secret_ || ++sessions_ > sessions_most) return;
        (void)peer_.begin_session();
    }
    void say_hello() {
        if (!is_there()) return;
        set_hello();
        peer_.say_hello();
    }
    void set_hello() {
        if (in_.u8() % 2 == 0) return;
        peer_.hello.version_time = time();
        peer_.hello.flush_version = version();
        peer_.hello.schedule_version = version();
        peer_.hello.schedule_at_ms = in_.u32();
        peer_.hello.version_ms = in_.u8() % 2 == 0 ? peer_.now.version_ms : time() >> 10;
        peer_.hello.dirty_buckets = in_.u8();
        peer_.hello.peer_epoch = in_.u8();
    }
    void say(FrameType type, std::uint64_t number, std::string_view payload) {
        if (is_there()) peer_.say_frame(type, number, payload);
    }
    // May be a part of a frame only.
    void say_bytes(std::string_view bytes) {
        if (!is_there()) return;
        cut_.insert(peer_.current);
        peer_.say_bytes(bytes);
    }
    void say_segment() {
        Segment segment;
        segment.sender_now_ms = in_.u32();
        segment.offset = in_.u32();
        segment.total = in_.u32() % (3U << 20);
        segment.record = record();
        peer_.say_next(segment);
    }
    // As a peer that asks this node to decide; its numbers count up from 1 if the input says so.
    void say_request() {
        storage::Operation operation{storage::Write{}, "key " + std::to_string(in_.u8()), {}};
        storage::Write write;
        write.mode = static_cast<storage::WriteMode>(in_.u8() % 5);
        switch (in_.u8() % 4) {
            case 0:
                operation.request = write;
                break;
            case 1:
                operation.request = storage::Arithmetic{};
                break;
            case 2:
                operation.request = storage::Remove{};
                break;
            default:
                operation.request = storage::Read{};
                break;
        }
        operation.value.assign(in_.u16() * 16U, '1');
        RequestHead head;
        head.number = in_.u8();
        head.sender_now_ms = in_.u32();
        const auto offset = std::size_t{in_.u16()} * 16U;
        head.offset = static_cast<std::uint32_t>(std::min(offset, operation.value.size()));
        lib::ByteBuffer bytes;
        write_request(bytes, head, operation);
        if (is_there()) peer_.say_bytes(bytes.readable());
    }
    void say_who_decides() {
        NodeState state;
        state.serving = state.caught_up = true;
        state.arbitration = ArbitrationState{in_.u8(), in_.u8()};
        if (is_there()) peer_.say(state);
    }
    void write_as_client() {
        storage::Write write;
        value_.assign(in_.u16() * 16U, 'v');
        write.value = value_;
        (void)peer_.store.write(peer_.store.key("key " + std::to_string(in_.u8())), peer_.now,
                                write);
        peer_.engine.on_wake(peer_.now);
        peer_.turn();
    }

    // --- out of what -------------------------------------------------------------------------
    std::string_view some_bytes(std::size_t most) {
        return in_.bytes(std::min(most, in_.remaining()));
    }
    // Around what decides.
    std::uint64_t version_ms() {
        const auto now_ms = peer_.now.version_ms;
        switch (in_.u8() % 6) {
            case 0:
                return in_.u8();
            case 1:
                return now_ms - 1000 + in_.u16();
            case 2:
                return now_ms + day_ms - 5000 + in_.u16();
            case 3:
                return now_ms + day_ms + 5000 + in_.u32();
            case 4:
                return in_.u64() >> 13;
            default:
                return (std::uint64_t{1} << 41) - 1;
        }
    }
    std::uint64_t time() { return version_ms() << 10 | (in_.u8() & 3U); }
    storage::Version version() { return time() << 13 | (in_.u8() & 7U); }
    WireRecord record() {
        WireRecord record;
        record.kind = static_cast<RecordKind>(1 + in_.u8() % 3);
        record.version = version();
        record.expiry_ms = in_.u8() % 2 == 0 ? 0 : in_.u32();
        key_ = "key " + std::to_string(in_.u8());
        value_.assign(in_.u16(), 'x');
        record.key = key_;
        record.value = value_;
        return record;
    }
    std::vector<BucketItem> items() {
        std::vector<BucketItem> items(in_.u8());
        const auto bucket = std::uint64_t{in_.u16()} << 48;
        for (std::size_t i = 0; i < items.size(); ++i)
            items[i] = {bucket | i, i % 32 == 0 ? version() : items[i - 1].version};
        return items;
    }
    std::vector<BucketDigest> digests() {
        std::vector<BucketDigest> digests(in_.u16() % (digests_limit + 1));
        for (std::size_t i = 0; i < digests.size(); i += 64)
            digests[i] = {version(), in_.u64()};
        return digests;
    }

    // --- what holds --------------------------------------------------------------------------
    bool is_there() const { return peer_.is_open(peer_.current); }
    bool has_session() const { return peer_.engine.has_session(); }

    void check() {
        peer_.take_heard();
        // Whatever has begun it was said on that connection.
        const auto number = peer_.engine.session_number();
        if (std::exchange(session_number_, number) != number) session_ = peer_.current;
        demand(peer_.most_untaken() <= output_bound_bytes, "the output is bounded");
        demand(peer_.open_connections() <= Connections::connection_limit,
               "the number of connections is bounded");
        demand(allocated_bytes() <= allocated_before_ + memory_bound_bytes,
               "the memory is bounded");
        const auto gate = gate_of(peer_.now, day_ms + own_writes_ms);
        demand(gate.admits_time(peer_.store.version_time()), "the clock is not too far ahead");
        demand(gate.admits(peer_.store.flush_version()), "no flush is too far ahead");
        demand(gate.admits(peer_.store.flush_schedule().version), "no schedule is too far ahead");
    }
    void check_no_stall() {
        peer_.takes = true;
        peer_.take_all();
        if (has_session()) check_ping_is_answered();
        check_items();
        demand(peer_.serves(), "a client's set is stored, and is read again");
        if (is_secret_) return;
        peer_.pass(default_timing().handshake + std::chrono::seconds(1));
        peer_.hello = Hello{};
        peer_.hello.epoch = next_epoch;
        peer_.hello.version_ms = peer_.now.version_ms;
        demand(peer_.begin_session(), "whoever comes next gets a session");
        check();
    }
    void check_ping_is_answered() {
        constexpr std::uint64_t token = 0x1234'5678'9ABC;
        const std::string filler(frame_payload_limit + frame_header_size, '\0');
        peer_.log.clear();
        peer_.take_heard();
        peer_.current = session_;
        peer_.say(Ping{.steady_ms = token});
        // The beginning of a frame lay there, of which the PING became a part: it comes to its end,
        // or proves to be damaged.
        if (cut_.contains(session_) && !heard_pong(token) && has_session()) {
            peer_.say_bytes(filler);
            demand(!has_session(), "damage ends the session");
        }
        if (has_session()) demand(heard_pong(token), "a PING is answered");
        if (!has_session())
            demand(peer_.said("-> LISTENING: "), "the end of a session has a reason");
    }
    bool heard_pong(std::uint64_t token) {
        heard_ += peer_.take_heard();
        std::string_view rest = heard_;
        for (;;) {
            const auto read = read_frame(rest);
            if (read.status != FrameStatus::complete) return false;
            rest.remove_prefix(read.size);
            if (read.frame.type != FrameType::pong) continue;
            const auto pong = read_pong(read.frame.payload);
            if (pong && pong->echo_ms == token) return true;
        }
    }
    void check_items() {
        const auto gate = gate_of(peer_.now, day_ms + own_writes_ms);
        peer_.store.with_shard(0, [&](storage::Shard& shard) {
            for (int i = 0; i < 256; ++i) {
                const auto name = "key " + std::to_string(i);
                const auto key = peer_.store.key(name);
                shard.peek(key, peer_.now, [&](const storage::ItemView& item) {
                    demand(gate.admits_item(item.version), "no item is too far ahead");
                });
            }
        });
    }

    static constexpr std::uint64_t next_epoch = 1'000'000;
    // Each costs as much as some thousand frames: the buckets of a peer that was never met.
    static constexpr int sessions_most = 3;

    const std::size_t allocated_before_;
    WireReader in_;
    const bool is_secret_;
    int sessions_ = 0;
    HostilePeer peer_;
    std::uint64_t session_number_ = 0;
    ConnectionId session_ = 0;    // on which it was said
    std::set<ConnectionId> cut_;  // they may stand within a frame
    std::string key_;
    std::string value_;
    std::string heard_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Attack({reinterpret_cast<const char*>(data), size}).run();
    return 0;
}

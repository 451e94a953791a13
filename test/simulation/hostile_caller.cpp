#include "test/simulation/hostile_caller.hpp"

#include "lib/endian.hpp"
#include "replication/pair/link/control_frames.hpp"
#include "replication/pair/link/proof.hpp"
#include "replication/records/data_frames.hpp"
#include "test/support/forged_frame.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace twincached::simulation {

using namespace std::chrono_literals;
using namespace replication;
using namespace replication::pair;

namespace {

constexpr std::uint64_t hour_ms = 3600'000;

template <class Payload>
std::string bytes_of(const Payload& payload) {
    lib::ByteBuffer out;
    write_frame(out, payload);
    return std::string(out.readable());
}

}  // namespace

// --- how he gets in ------------------------------------------------------------------------------

void HostileCaller::call() {
    id_ = net_.call(node_);
    if (knows_ == Knows::nothing) return say(any_bytes(64));
    Challenge challenge;
    challenge.node = static_cast<std::uint8_t>(1 - node_);
    challenge.epoch = random_.next() | 1;
    challenge.cluster = "simulation";
    for (auto& byte : challenge.nonce)
        byte = static_cast<std::uint8_t>(random_.next());
    const auto bytes = bytes_of(challenge);
    challenge_ = bytes.substr(frame_header_size);
    say(bytes);
    prove();
    say_hello();
    if (node_ == 0) {
        net_.run_until(Timing::ms(300),
                       [this] { return !is_heard() || !heard(FrameType::ready).empty(); });
    }
    say(test::forged_frame(FrameType::ready, 0, {}));
}

void HostileCaller::prove() {
    Proof proof;
    for (auto& byte : proof.mac)
        byte = static_cast<std::uint8_t>(random_.next());
    const auto theirs = heard(FrameType::challenge);
    if (knows_ == Knows::secret && !theirs.empty()) {
        proof.mac = pair::prove(net_.nodes[node_].secret, Side::dialler, challenge_,
                                theirs.substr(frame_header_size));
    }
    say(bytes_of(proof));
}

// Now and then with something in it that cannot be.
void HostileCaller::say_hello() {
    const auto challenge = read_challenge(std::string_view(challenge_));
    const auto now = net_.now(node_);
    Hello hello;
    hello.epoch = challenge->epoch;
    hello.steady_ms = random_.one_in(4) ? any_number() : now.steady_ms;
    hello.version_ms = now.version_ms;
    hello.version_time = now.version_ms << 10;
    hello.capabilities = capability_digests | capability_hints;
    hello.protocol = std::min(protocol_newest, net_.nodes[node_].protocol);
    hello.wall_ms = static_cast<std::int64_t>(now.version_ms);
    hello.hash_check =
        net_.nodes[node_].process->store->key("twincached: do both nodes hash alike?").hash;
    if (random_.one_in(8)) hello.version_time = any_number();
    if (random_.one_in(8)) hello.flush_version = any_version();
    if (random_.one_in(8)) hello.schedule_version = any_version();
    if (random_.one_in(8)) hello.items = any_number();
    say(bytes_of(hello));
}

std::string HostileCaller::heard(FrameType type) {
    std::string_view rest = net_.heard_by_stranger(id_);
    while (!rest.empty()) {
        const auto read = read_frame(rest);
        if (read.status != FrameStatus::complete) break;
        if (read.frame.type == type) return std::string(rest.substr(0, read.size));
        rest.remove_prefix(read.size);
    }
    return {};
}

bool HostileCaller::has_session() {
    return is_heard() && !heard(FrameType::ready).empty() &&
           net_.nodes[node_].engine().has_session();
}

void HostileCaller::hang_up() {
    net_.hang_up_stranger(id_, node_);
}

// --- what he says --------------------------------------------------------------------------------

void HostileCaller::speak(unsigned frames) {
    for (unsigned i = 0; i < frames && is_heard(); ++i) {
        say(forged());
        if (random_.one_in(4)) net_.run(Timing::ms(random_.below(20)));
    }
}

std::string HostileCaller::forged() {
    if (!last_.empty() && random_.one_in(30)) return last_;
    lib::ByteBuffer out;
    write_any(out);
    auto frame = std::string(out.readable());
    last_ = random_.one_in(6) ? changed(std::move(frame)) : frame;
    return last_;
}

// Another number, type, or payload, under a checksum that is right.
std::string HostileCaller::changed(std::string frame) {
    auto type = static_cast<FrameType>(frame[1]);
    auto seq = lib::load_little<std::uint64_t>(frame.data() + 8);
    auto payload = frame.substr(frame_header_size);
    switch (random_.below(5)) {
        case 0:
            seq = random_.one_in(2) ? seq + 1 : any_number();
            break;
        case 1:
            type = static_cast<FrameType>(random_.below(64));
            break;
        case 2:
            payload.resize(random_.below(payload.size() + 1));
            break;
        case 3:
            payload += any_bytes(32);
            break;
        default:
            break;
    }
    for (auto flips = random_.below(4); flips > 0 && !payload.empty(); --flips)
        payload[random_.below(payload.size())] = static_cast<char>(random_.next());
    return test::forged_frame(type, seq, payload);
}

void HostileCaller::write_any(lib::ByteBuffer& out) {
    const std::array wants{any_hash(), any_hash()};
    switch (random_.below(12)) {
        case 0:
            return write_frame(out, ++said_, Flush{any_version()});
        case 1:
            return write_frame(out, Ack{random_.one_in(8) ? any_number() : 0, 0, wants});
        case 2: {
            Ping ping;
            ping.steady_ms = any_number();
            ping.version_time = any_number();
            ping.receive_age_ms = static_cast<std::uint32_t>(any_number());
            return write_frame(out, ping);
        }
        case 3: {
            NodeState state;
            state.caught_up = state.serving = random_.one_in(2);
            state.dirty_buckets = static_cast<std::uint32_t>(any_number());
            return write_frame(out, state);
        }
        case 4:
            return write_hints(out, wants);
        case 5:
            return write_digests(out);
        case 6:
        case 7:
            return write_list(out);
        case 8:
            return write_segment(out);
        default:
            return write_batch(out);
    }
}

void HostileCaller::write_batch(lib::ByteBuffer& out) {
    BatchWriter batch(out, ++said_, 0, random_.one_in(4) ? any_number() : 0);
    for (auto left = random_.below(4); left > 0; --left) {
        const auto value = "forged" + std::to_string(++values_);
        WireRecord record;
        record.kind = static_cast<RecordKind>(1 + random_.below(3));
        record.version = any_version();
        record.expiry_ms = random_.one_in(3) ? any_number() : 0;
        record.key = any_key();
        if (record.kind == RecordKind::item) record.value = value;
        batch.add(record);
    }
    batch.finish();
}

void HostileCaller::write_list(lib::ByteBuffer& out) {
    const auto bucket = storage::bucket_of(any_hash());
    std::vector<BucketItem> items;
    for (auto left = random_.below(6); left > 0; --left) {
        const auto hash = random_.one_in(16) ? any_hash() : std::uint64_t{bucket} << 48 | left;
        items.push_back({hash, any_version()});
    }
    replication::write_list(out, {FrameType::list, ++said_, bucket, any_version()}, items);
}

void HostileCaller::write_digests(lib::ByteBuffer& out) {
    const auto first = storage::bucket_of(any_hash());
    const auto rest = storage::bucket_count - first;
    const auto most = random_.one_in(8) ? digests_limit : std::min<std::size_t>(rest, 200);
    std::vector<BucketDigest> digests(1 + random_.below(most));
    for (auto& digest : digests)
        digest = {random_.one_in(8) ? any_version() : 0, any_number()};
    const bool scrubs = random_.one_in(2);
    replication::write_digests(
        out, {scrubs ? FrameType::scrub : FrameType::digest, scrubs ? 0 : ++said_, first}, digests);
}

void HostileCaller::write_segment(lib::ByteBuffer& out) {
    const std::string piece(1000, 'f');
    Segment segment;
    segment.total = static_cast<std::uint32_t>(random_.one_in(2) ? piece.size() : any_number());
    segment.offset = random_.one_in(8) ? any_number() : 0;
    segment.record.key = any_key();
    segment.record.value = piece;
    segment.record.version = any_version();
    write_frame(out, ++said_, segment);
}

std::uint64_t HostileCaller::any_number() {
    const std::array<std::uint64_t, 6> edges{0,
                                             1,
                                             0xFFFF,
                                             0x7FFF'FFFF,
                                             std::uint64_t{1} << 63,
                                             std::numeric_limits<std::uint64_t>::max()};
    return random_.one_in(2) ? edges[random_.below(edges.size())]
                             : random_.next() >> random_.below(64);
}

// Of a node that is neither of the two, so that no honest version is one of them: old, of now,
// ahead as far as a clock may be, further, and at the end of all.
storage::Version HostileCaller::any_version() {
    const auto now_ms = net_.now(node_).version_ms;
    const std::array<std::uint64_t, 6> times_ms{1,
                                                now_ms - random_.below(5000),
                                                now_ms,
                                                now_ms + random_.below(20) * hour_ms,
                                                now_ms + (25 + random_.below(1000)) * hour_ms,
                                                (std::uint64_t{1} << 41) - 1};
    const auto time = times_ms[random_.below(times_ms.size())] << 10 | random_.below(1024);
    return random_.one_in(20) ? any_number() | 2U << 11 : time << 13 | 2U << 11;
}

std::uint64_t HostileCaller::any_hash() {
    return random_.one_in(4) ? random_.next()
                             : net_.nodes[node_].process->store->key(any_key()).hash;
}

std::string HostileCaller::any_bytes(std::size_t most) {
    std::string bytes(random_.below(most + 1), '\0');
    for (auto& byte : bytes)
        byte = static_cast<char>(random_.next());
    return bytes;
}

}  // namespace twincached::simulation

// What a node that lacks something asks another, and is answered, beside the log. Little-endian;
// frames as in the log, of no sequence.
//
//     question   u8 0xCA | u8 kind | u8 streams n | u8 0 | u32 0 | u64 hash check | u64 left era |
//                n times: tag of the stream: 4, 0: 4, created: 8, 0 if that is not known,
//                position: 8, the answer is of use only from who has come so far | frames
//         state      none
//         digests    DIGEST of buckets, without floors
//         lists      LIST for each bucket, without a floor
//     answer     u8 0xCB | u8 kind | u8 verdict | u8 last? | u8 node | u8 0 | u16 part | body
//         state      section (below) for section, in as many parts as it takes
//         digests    DIGEST without a number: the buckets that differ;
//                    DIGEST with one: the floors, for the asker to have as well, of what was let go
//                    since it was given the state
//         lists      for each bucket LIST: what the asker is to drop, and what was ever let go;
//                    DIGEST with a number: its floor;
//                    BATCH, SEG: what it lacks; ACK: what the asker is to tell all;
//                    DIGEST without a number: buckets to be asked for again
//
// Pure functions, any thread.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/nats/log/member_table.hpp"
#include "storage/key.hpp"
#include "storage/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

enum class Topic : std::uint8_t { state = 1, digests = 2, lists = 3 };

struct Question {
    Topic topic = Topic::state;
    std::uint64_t hash_check = 0;
    Era left_era = 0;  // who is of it is not asked
    // The asker was in step once, and has missed nothing in the log since.
    bool has_missed_nothing = false;
    std::array<StreamProgress, streams_limit> streams{};
    unsigned stream_count = 0;
    std::string_view frames;
};
// As two nodes know a stream; either may not know yet when it was created.
constexpr bool may_be_same_log(std::int64_t created, std::int64_t theirs) noexcept {
    return created == theirs || created == 0 || theirs == 0;
}
void write_question(lib::ByteBuffer& out, const Question& question);
std::optional<Question> read_question(std::string_view payload) noexcept;

enum class Verdict : std::uint8_t {
    given,
    behind,       // later
    not_in_step,  // by somebody else
    reads_another_log,
};

struct Answer {
    Topic topic = Topic::state;
    Verdict verdict = Verdict::given;
    bool is_last = true;
    std::uint8_t node = 0;
    std::uint16_t part = 0;
    std::string_view body;
};
inline constexpr std::size_t answer_head_size = 8;
// The head; the body follows it.
void write_answer(lib::ByteBuffer& out, const Answer& answer);
std::optional<Answer> read_answer(std::string_view payload) noexcept;

// --- what a node that is in step knows beside its items -----------------------------------------

struct GivenStream {
    std::uint32_t tag = 0;
    std::int64_t created = 0;
    Sequence consumed = 0;  // what comes after it is to be read from the log
    std::uint64_t log_ms = 0;
    std::int64_t broker_ms = 0;
};
struct GivenMember {
    unsigned node = 0;
    Member member;  // homes and progress by the giver's streams
};
struct GivenRemoval {
    std::uint64_t hash = 0;
    storage::Version version = 0;
    LogPlace place;  // by the giver's streams
};
struct GivenFloor {
    storage::BucketNumber bucket = 0;
    storage::Version version = 0;
    storage::Version ever = 0;  // what is older, and is not there, was let go
};

struct GivenState {
    std::int64_t broker_now_ms = 0;
    std::vector<GivenStream> streams;
    std::vector<GivenMember> members;
    Era era = 0;
    storage::Version flush = 0;
    std::uint64_t schedule_at_ms = 0;  // by the broker's clock
    storage::Version schedule = 0;
    std::uint64_t version_time = 0;
    std::vector<GivenRemoval> removals;
    std::vector<GivenFloor> floors;
};

// Sections of the body: 0 all but the lists, 1 removals, 2 floors.
void write_state(lib::ByteBuffer& out, const GivenState& state);
inline constexpr std::size_t given_removal_size = 24;
inline constexpr std::size_t given_floor_size = 18;
void write_removals(lib::ByteBuffer& out, const GivenRemoval* removals, std::size_t count);
void write_floors(lib::ByteBuffer& out, const GivenFloor* floors, std::size_t count);
// Adds a section to what is there. False: it makes no sense, or there would be more than a node
// remembers.
bool read_section(std::string_view body, GivenState& state);

}  // namespace twincached::replication::nats

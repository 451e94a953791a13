#include "replication/nats/walk/questions.hpp"

#include "replication/records/wire.hpp"

namespace twincached::replication::nats {
namespace {

constexpr std::uint8_t question_magic = 0xCA;
constexpr std::uint8_t answer_magic = 0xCB;
constexpr std::uint8_t missed_nothing = 1;
constexpr std::uint8_t section_state = 0;
constexpr std::uint8_t section_removals = 1;
constexpr std::uint8_t section_floors = 2;
constexpr std::size_t removals_most = 4U << 20;

constexpr unsigned stream_bits = 8;

std::uint64_t packed(LogPlace place) noexcept {
    return place.sequence << stream_bits | place.stream;
}
LogPlace unpacked(std::uint64_t bits) noexcept {
    return {static_cast<StreamId>(bits & ((1U << stream_bits) - 1)), bits >> stream_bits};
}

bool is_topic(std::uint8_t byte) noexcept {
    return byte >= 1 && byte <= 3;
}

void write_member(WireWriter& out, const GivenMember& given, std::size_t streams) {
    const auto& member = given.member;
    out.u8(static_cast<std::uint8_t>(given.node));
    out.u8(static_cast<std::uint8_t>((member.is_known ? 1U : 0U) | (member.is_ready ? 2U : 0U) |
                                     (member.is_in_step ? 4U : 0U)));
    out.u16(static_cast<std::uint16_t>(member.home));
    out.u64(member.incarnation).u64(member.session).u64(member.number).u64(member.heard_ms);
    for (std::size_t i = 0; i < streams; ++i)
        out.u64(member.consumed[i]);
}

GivenMember read_member(WireReader& in, std::size_t streams) noexcept {
    GivenMember given;
    auto& member = given.member;
    given.node = in.u8();
    const auto flags = in.u8();
    member.is_known = (flags & 1U) != 0;
    member.is_ready = (flags & 2U) != 0;
    member.is_in_step = (flags & 4U) != 0;
    member.home = in.u16();
    member.incarnation = in.u64();
    member.session = in.u64();
    member.number = in.u64();
    member.heard_ms = in.u64();
    for (std::size_t i = 0; i < streams; ++i)
        member.consumed[i] = in.u64();
    if (given.node >= nodes_limit || member.home >= streams) in.fail();
    return given;
}

bool read_state(WireReader& in, GivenState& state) {
    state.broker_now_ms = static_cast<std::int64_t>(in.u64());
    const auto streams = in.u8();
    const auto members = in.u8();
    if (streams == 0 || streams > streams_limit || members > nodes_limit) return false;
    state.era = in.u64();
    state.flush = in.u64();
    state.schedule_at_ms = in.u64();
    state.schedule = in.u64();
    state.version_time = in.u64();
    for (unsigned i = 0; i < streams; ++i) {
        GivenStream stream;
        stream.tag = in.u32();
        stream.created = static_cast<std::int64_t>(in.u64());
        stream.consumed = in.u64();
        stream.log_ms = in.u64();
        stream.broker_ms = static_cast<std::int64_t>(in.u64());
        state.streams.push_back(stream);
    }
    for (unsigned i = 0; i < members; ++i)
        state.members.push_back(read_member(in, streams));
    return in.complete();
}

}  // namespace

void write_question(lib::ByteBuffer& out, const Question& question) {
    WireWriter writer(out);
    writer.u8(question_magic).u8(static_cast<std::uint8_t>(question.topic));
    writer.u8(static_cast<std::uint8_t>(question.stream_count));
    writer.u8(question.has_missed_nothing ? missed_nothing : std::uint8_t{0}).u32(0);
    writer.u64(question.hash_check).u64(question.left_era);
    for (unsigned i = 0; i < question.stream_count; ++i)
        write_progress(writer, question.streams[i]);
    writer.bytes(question.frames);
}

std::optional<Question> read_question(std::string_view payload) noexcept {
    WireReader in(payload);
    if (in.u8() != question_magic) return std::nullopt;
    const auto topic = in.u8();
    Question question;
    question.topic = static_cast<Topic>(topic);
    question.stream_count = in.u8();
    question.has_missed_nothing = (in.u8() & missed_nothing) != 0;
    in.u32();
    question.hash_check = in.u64();
    question.left_era = in.u64();
    if (question.stream_count > streams_limit || !is_topic(topic)) return std::nullopt;
    for (unsigned i = 0; i < question.stream_count; ++i)
        question.streams[i] = read_progress(in);
    if (in.failed()) return std::nullopt;
    question.frames = in.bytes(in.remaining());
    return question;
}

void write_answer(lib::ByteBuffer& out, const Answer& answer) {
    WireWriter(out)
        .u8(answer_magic)
        .u8(static_cast<std::uint8_t>(answer.topic))
        .u8(static_cast<std::uint8_t>(answer.verdict))
        .u8(answer.is_last ? 1 : 0)
        .u8(answer.node)
        .u8(0)
        .u16(answer.part);
}

std::optional<Answer> read_answer(std::string_view payload) noexcept {
    WireReader in(payload);
    if (in.u8() != answer_magic) return std::nullopt;
    const auto topic = in.u8();
    const auto verdict = in.u8();
    Answer answer;
    answer.is_last = in.u8() != 0;
    answer.node = in.u8();
    in.u8();
    answer.part = in.u16();
    answer.topic = static_cast<Topic>(topic);
    answer.verdict = static_cast<Verdict>(verdict);
    if (in.failed() || !is_topic(topic) || verdict > 3 || answer.node >= nodes_limit)
        return std::nullopt;
    answer.body = in.bytes(in.remaining());
    return answer;
}

void write_state(lib::ByteBuffer& out, const GivenState& state) {
    WireWriter writer(out);
    writer.u8(section_state).u64(static_cast<std::uint64_t>(state.broker_now_ms));
    writer.u8(static_cast<std::uint8_t>(state.streams.size()));
    writer.u8(static_cast<std::uint8_t>(state.members.size()));
    writer.u64(state.era)
        .u64(state.flush)
        .u64(state.schedule_at_ms)
        .u64(state.schedule)
        .u64(state.version_time);
    for (const auto& stream : state.streams) {
        writer.u32(stream.tag).u64(static_cast<std::uint64_t>(stream.created));
        writer.u64(stream.consumed).u64(stream.log_ms);
        writer.u64(static_cast<std::uint64_t>(stream.broker_ms));
    }
    for (const auto& member : state.members)
        write_member(writer, member, state.streams.size());
}

void write_removals(lib::ByteBuffer& out, const GivenRemoval* removals, std::size_t count) {
    WireWriter writer(out);
    writer.u8(section_removals);
    for (std::size_t i = 0; i < count; ++i)
        writer.u64(removals[i].hash).u64(removals[i].version).u64(packed(removals[i].place));
}

void write_floors(lib::ByteBuffer& out, const GivenFloor* floors, std::size_t count) {
    WireWriter writer(out);
    writer.u8(section_floors);
    for (std::size_t i = 0; i < count; ++i)
        writer.u16(floors[i].bucket).u64(floors[i].version).u64(floors[i].ever);
}

bool read_section(std::string_view body, GivenState& state) {
    WireReader in(body);
    const auto section = in.u8();
    if (section == section_state) return state.streams.empty() && read_state(in, state);
    if (state.streams.empty()) return false;
    if (section == section_removals) {
        while (!in.failed() && in.remaining() > 0) {
            GivenRemoval removal;
            removal.hash = in.u64();
            removal.version = in.u64();
            removal.place = unpacked(in.u64());
            if (in.failed() || removal.place.stream >= state.streams.size()) return false;
            if (state.removals.size() >= removals_most) return false;
            state.removals.push_back(removal);
        }
        return !in.failed();
    }
    if (section != section_floors) return false;
    while (!in.failed() && in.remaining() > 0) {
        GivenFloor floor;
        floor.bucket = in.u16();
        floor.version = in.u64();
        floor.ever = in.u64();
        if (in.failed() || state.floors.size() >= storage::bucket_count) return false;
        state.floors.push_back(floor);
    }
    return !in.failed();
}

}  // namespace twincached::replication::nats

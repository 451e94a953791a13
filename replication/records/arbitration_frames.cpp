#include "replication/records/arbitration_frames.hpp"

#include <algorithm>
#include <cassert>
#include <type_traits>
#include <utility>
#include <variant>

namespace twincached::replication {
namespace {

using storage::Arithmetic;
using storage::Decision;
using storage::Expiry;
using storage::Operation;
using storage::Read;
using storage::Remove;
using storage::Write;

// As they stand in the variants of an operation and of a decision.
enum class OperationWord : std::uint8_t { write = 1, arithmetic = 2, read = 3, remove = 4 };

enum RequestFlag : std::uint16_t {
    request_compares = 1,
    request_explicit = 2,
    request_touches = 4,
    request_vivifies = 8,
    request_invalidates = 16,
    request_binary_key = 32,
    request_decrements = 64,
    request_recaches = 128,
    request_claims = 256,
    request_unmarked = 512,
    request_clears = 1024,
    request_touches_first = 2048,
    request_flags_known = 4095,
};

enum OutcomeFlag : std::uint8_t {
    outcome_record = 1,
    outcome_vivified = 2,
    outcome_item = 4,
    outcome_fetched = 8,
    outcome_won = 16,
    outcome_explicit = 32,
    outcome_flags_known = 63,
};

// What all kinds of operations have between them, so that one layout holds each.
struct RequestFields {
    std::uint8_t mode = 0;
    std::uint16_t flags = 0;
    std::uint32_t client_flags = 0;
    std::uint32_t recache_below = 0;
    std::uint64_t expiry_ms = 0;
    std::uint64_t compare_cas = 0;
    std::uint64_t explicit_cas = 0;
    std::uint64_t touch_ms = 0;
    std::uint64_t vivify_ms = 0;
    std::uint64_t delta = 0;
    std::uint64_t initial = 0;

    bool has(RequestFlag flag) const noexcept { return (flags & flag) != 0; }
    void mark(RequestFlag flag, bool is_set) noexcept {
        if (is_set) flags = static_cast<std::uint16_t>(flags | flag);
    }
    void give(RequestFlag flag, std::uint64_t& field,
              const std::optional<std::uint64_t>& value) noexcept {
        mark(flag, value.has_value());
        field = value.value_or(0);
    }
    void give(RequestFlag flag, std::uint64_t& field, const std::optional<Expiry>& value) noexcept {
        mark(flag, value.has_value());
        if (value) field = wire_ms_of(*value);
    }
    std::optional<std::uint64_t> number(RequestFlag flag, std::uint64_t field) const noexcept {
        return has(flag) ? std::optional(field) : std::nullopt;
    }
};

RequestFields fields_of(const Write& write) noexcept {
    RequestFields fields;
    fields.mode = static_cast<std::uint8_t>(write.mode);
    fields.client_flags = write.client_flags;
    fields.expiry_ms = wire_ms_of(write.expiry);
    fields.give(request_compares, fields.compare_cas, write.compare_cas);
    fields.give(request_explicit, fields.explicit_cas, write.explicit_cas);
    fields.give(request_vivifies, fields.vivify_ms, write.vivify);
    fields.mark(request_invalidates, write.invalidate);
    fields.mark(request_binary_key, write.binary_key);
    return fields;
}

RequestFields fields_of(const Arithmetic& arithmetic) noexcept {
    RequestFields fields;
    fields.mark(request_decrements, arithmetic.decrement);
    fields.delta = arithmetic.delta;
    fields.initial = arithmetic.initial;
    fields.give(request_compares, fields.compare_cas, arithmetic.compare_cas);
    fields.give(request_explicit, fields.explicit_cas, arithmetic.explicit_cas);
    fields.give(request_touches, fields.touch_ms, arithmetic.touch);
    fields.give(request_vivifies, fields.vivify_ms, arithmetic.vivify);
    return fields;
}

RequestFields fields_of(const Read& read) noexcept {
    RequestFields fields;
    fields.give(request_touches, fields.touch_ms, read.touch);
    fields.give(request_vivifies, fields.vivify_ms, read.vivify);
    fields.give(request_explicit, fields.explicit_cas, read.explicit_cas);
    fields.mark(request_recaches, read.recache_below.has_value());
    fields.recache_below = read.recache_below.value_or(0);
    fields.mark(request_touches_first, read.touches_first && read.recache_below);
    fields.mark(request_claims, read.claims_recache);
    fields.mark(request_unmarked, read.leave_no_mark);
    return fields;
}

RequestFields fields_of(const Remove& remove) noexcept {
    RequestFields fields;
    fields.give(request_compares, fields.compare_cas, remove.compare_cas);
    fields.give(request_explicit, fields.explicit_cas, remove.explicit_cas);
    fields.give(request_touches, fields.touch_ms, remove.touch);
    fields.mark(request_invalidates, remove.invalidate);
    fields.mark(request_clears, remove.clear);
    return fields;
}

class RequestMaker {
  public:
    RequestMaker(const RequestFields& fields, ToExpiry to_expiry) noexcept
        : fields_(fields), to_expiry_(to_expiry) {}

    Write write() const {
        Write write;
        write.mode = static_cast<storage::WriteMode>(fields_.mode);
        write.client_flags = fields_.client_flags;
        write.expiry = to_expiry_(fields_.expiry_ms);
        write.compare_cas = fields_.number(request_compares, fields_.compare_cas);
        write.explicit_cas = fields_.number(request_explicit, fields_.explicit_cas);
        write.vivify = expiry(request_vivifies, fields_.vivify_ms);
        write.invalidate = fields_.has(request_invalidates);
        write.binary_key = fields_.has(request_binary_key);
        return write;
    }
    Arithmetic arithmetic() const {
        Arithmetic arithmetic;
        arithmetic.decrement = fields_.has(request_decrements);
        arithmetic.delta = fields_.delta;
        arithmetic.initial = fields_.initial;
        arithmetic.compare_cas = fields_.number(request_compares, fields_.compare_cas);
        arithmetic.explicit_cas = fields_.number(request_explicit, fields_.explicit_cas);
        arithmetic.touch = expiry(request_touches, fields_.touch_ms);
        arithmetic.vivify = expiry(request_vivifies, fields_.vivify_ms);
        return arithmetic;
    }
    Read read() const {
        Read read;
        read.touch = expiry(request_touches, fields_.touch_ms);
        read.vivify = expiry(request_vivifies, fields_.vivify_ms);
        read.explicit_cas = fields_.number(request_explicit, fields_.explicit_cas);
        if (fields_.has(request_recaches)) read.recache_below = fields_.recache_below;
        read.touches_first = fields_.has(request_touches_first);
        read.claims_recache = fields_.has(request_claims);
        read.leave_no_mark = fields_.has(request_unmarked);
        return read;
    }
    Remove remove() const {
        Remove remove;
        remove.compare_cas = fields_.number(request_compares, fields_.compare_cas);
        remove.explicit_cas = fields_.number(request_explicit, fields_.explicit_cas);
        remove.touch = expiry(request_touches, fields_.touch_ms);
        remove.invalidate = fields_.has(request_invalidates);
        remove.clear = fields_.has(request_clears);
        return remove;
    }

  private:
    std::optional<Expiry> expiry(RequestFlag flag, std::uint64_t ms) const {
        return fields_.has(flag) ? std::optional(to_expiry_(ms)) : std::nullopt;
    }

    const RequestFields& fields_;
    ToExpiry to_expiry_;
};

// What the four results have between them.
struct ResultFields {
    std::uint8_t result = 0;
    std::uint8_t flags = 0;
    std::uint64_t number = 0;
    std::uint64_t cas = 0;
    std::uint64_t expiry_ms = 0;
    std::uint64_t accounted = 0;
};

ResultFields fields_of(const storage::WriteResult& result) noexcept {
    return {static_cast<std::uint8_t>(result.outcome),
            0,
            result.size,
            result.cas,
            wire_ms_of(result.expiry),
            0};
}
ResultFields fields_of(const storage::ArithmeticResult& result) noexcept {
    const std::uint8_t flags = result.vivified ? outcome_vivified : 0;
    return {static_cast<std::uint8_t>(result.outcome),
            flags,
            result.number,
            result.cas,
            wire_ms_of(result.expiry),
            0};
}
ResultFields fields_of(const storage::ReadResult& result) noexcept {
    return {static_cast<std::uint8_t>(result.miss), 0, 0, 0, 0, 0};
}
ResultFields fields_of(const storage::RemoveResult& result) noexcept {
    return {static_cast<std::uint8_t>(result.outcome), 0, result.size, 0, 0, result.accounted};
}

constexpr std::uint8_t last_write_outcome =
    static_cast<std::uint8_t>(storage::WriteOutcome::no_memory);
constexpr std::uint8_t last_arithmetic_outcome =
    static_cast<std::uint8_t>(storage::ArithmeticOutcome::no_memory);
constexpr std::uint8_t last_miss = static_cast<std::uint8_t>(storage::Miss::flushed);
constexpr std::uint8_t last_remove_outcome =
    static_cast<std::uint8_t>(storage::RemoveOutcome::exists);
constexpr std::uint8_t last_recache = static_cast<std::uint8_t>(storage::Recache::already_won);
constexpr std::uint8_t last_mode = static_cast<std::uint8_t>(storage::WriteMode::prepend);

// False: there is no such operation, or no such result of it.
bool make_result(OperationWord word, const ResultFields& fields, ToExpiry to_expiry,
                 Decision& decision) {
    switch (word) {
        case OperationWord::write:
            decision.result =
                storage::WriteResult{static_cast<storage::WriteOutcome>(fields.result),
                                     fields.cas,
                                     fields.number,
                                     to_expiry(fields.expiry_ms),
                                     {}};
            return fields.result <= last_write_outcome;
        case OperationWord::arithmetic:
            decision.result =
                storage::ArithmeticResult{static_cast<storage::ArithmeticOutcome>(fields.result),
                                          fields.number,
                                          fields.cas,
                                          to_expiry(fields.expiry_ms),
                                          (fields.flags & outcome_vivified) != 0,
                                          {}};
            return fields.result <= last_arithmetic_outcome;
        case OperationWord::read:
            decision.result =
                storage::ReadResult{static_cast<storage::Miss>(fields.result), {}, false};
            return fields.result <= last_miss;
        case OperationWord::remove:
            decision.result =
                storage::RemoveResult{static_cast<storage::RemoveOutcome>(fields.result),
                                      {},
                                      fields.number,
                                      fields.accounted};
            return fields.result <= last_remove_outcome;
    }
    return false;
}

template <class Variant>
std::uint8_t word_of(const Variant& variant) noexcept {
    return static_cast<std::uint8_t>(variant.index() + 1);
}

// Whole seconds of the sender's clock are whole seconds here, but for the rounding of expiries.
storage::Tick tick_at(std::uint64_t ms, ToExpiry to_expiry) {
    return ms == 0 ? 0 : to_expiry(ms).raw();
}

}  // namespace

void write_request(lib::ByteBuffer& out, const RequestHead& head, const Operation& operation) {
    assert(!operation.key.empty() && operation.key.size() <= storage::key_size_limit);
    const auto fields =
        std::visit([](const auto& request) { return fields_of(request); }, operation.request);
    FrameWriter frame(out, FrameType::request);
    WireWriter(out)
        .u64(head.number)
        .u64(head.sender_now_ms)
        .u8(word_of(operation.request))
        .u8(fields.mode)
        .u16(fields.flags)
        .u16(static_cast<std::uint16_t>(operation.key.size()))
        .u16(0)
        .u32(fields.client_flags)
        .u32(static_cast<std::uint32_t>(operation.value.size()))
        .u32(head.offset)
        .u32(fields.recache_below)
        .u64(fields.expiry_ms)
        .u64(fields.compare_cas)
        .u64(fields.explicit_cas)
        .u64(fields.touch_ms)
        .u64(fields.vivify_ms)
        .u64(fields.delta)
        .u64(fields.initial)
        .bytes(operation.key)
        .bytes(std::string_view(operation.value).substr(head.offset, request_piece_limit));
    frame.finish();
}

std::optional<RequestPiece> read_request(std::string_view payload, ToExpiry to_expiry) {
    WireReader in(payload);
    RequestPiece request;
    RequestFields fields;
    request.head.number = in.u64();
    request.head.sender_now_ms = in.u64();
    const auto word = static_cast<OperationWord>(in.u8());
    fields.mode = in.u8();
    fields.flags = in.u16();
    const auto key_length = in.u16();
    const auto reserved = in.u16();
    fields.client_flags = in.u32();
    request.total = in.u32();
    request.head.offset = in.u32();
    fields.recache_below = in.u32();
    fields.expiry_ms = in.u64();
    fields.compare_cas = in.u64();
    fields.explicit_cas = in.u64();
    fields.touch_ms = in.u64();
    fields.vivify_ms = in.u64();
    fields.delta = in.u64();
    fields.initial = in.u64();
    request.key = in.bytes(key_length);
    request.piece = in.bytes(in.remaining());
    // What only a later version could mean is not executed as something else.
    const bool is_known =
        (fields.flags & ~request_flags_known) == 0 && reserved == 0 && fields.mode <= last_mode;
    const bool is_sound =
        in.complete() && request.head.number != 0 && key_length > 0 &&
        key_length <= storage::key_size_limit && request.head.offset <= request.total &&
        request.piece.size() ==
            std::min<std::size_t>(request.total - request.head.offset, request_piece_limit) &&
        (request.total == 0 || !request.piece.empty()) &&
        (request.total == 0 || word == OperationWord::write);
    if (!is_known || !is_sound) return std::nullopt;
    const RequestMaker maker(fields, to_expiry);
    switch (word) {
        case OperationWord::write:
            request.operation.request = maker.write();
            return request;
        case OperationWord::arithmetic:
            request.operation.request = maker.arithmetic();
            return request;
        case OperationWord::read:
            request.operation.request = maker.read();
            return request;
        case OperationWord::remove:
            request.operation.request = maker.remove();
            return request;
    }
    return std::nullopt;
}

void write_outcome(lib::ByteBuffer& out, const OutcomeFrame& outcome) {
    const auto& decision = outcome.decision;
    const auto fields =
        std::visit([](const auto& result) { return fields_of(result); }, decision.result);
    const auto item = decision.item.value_or(storage::ItemCopy{});
    unsigned flags = fields.flags;
    if (outcome.record) flags |= outcome_record;
    if (decision.item) flags |= outcome_item;
    if (item.fetched) flags |= outcome_fetched;
    if (item.won) flags |= outcome_won;
    if (item.explicit_cas) flags |= outcome_explicit;
    if (decision.marks.vivified) flags |= outcome_vivified;
    const bool reads = std::holds_alternative<storage::ReadResult>(decision.result);
    FrameWriter frame(out, FrameType::outcome);
    WireWriter(out)
        .u64(outcome.number)
        .u64(outcome.sender_now_ms)
        .u8(static_cast<std::uint8_t>(outcome.verdict))
        .u8(word_of(decision.result))
        .u8(fields.result)
        .u8(static_cast<std::uint8_t>(flags))
        .u8(static_cast<std::uint8_t>(decision.marks.recache))
        .u8(0)
        .u16(0)
        .u64(fields.number)
        .u64(reads ? item.cas : fields.cas)
        .u64(item.version)
        .u64(reads ? wire_ms_of(item.expiry) : fields.expiry_ms)
        .u64(wire_ms_of(decision.marks.expiry_before))
        .u64(std::uint64_t{item.last_access} * 1000)
        .u64(fields.accounted);
    if (outcome.record) append_record(out, *outcome.record);
    frame.finish();
}

std::optional<OutcomeFrame> read_outcome(std::string_view payload, ToExpiry to_expiry) {
    WireReader in(payload);
    OutcomeFrame outcome;
    ResultFields fields;
    storage::ItemCopy item;
    auto& marks = outcome.decision.marks;
    outcome.number = in.u64();
    outcome.sender_now_ms = in.u64();
    outcome.verdict = static_cast<VerdictWord>(in.u8());
    const auto word = static_cast<OperationWord>(in.u8());
    fields.result = in.u8();
    fields.flags = in.u8();
    const auto recache = in.u8();
    const unsigned reserved = in.u8() | in.u16();
    fields.number = in.u64();
    item.cas = fields.cas = in.u64();
    item.version = in.u64();
    fields.expiry_ms = in.u64();
    const auto before_ms = in.u64();
    const auto accessed_ms = in.u64();
    fields.accounted = in.u64();
    if ((fields.flags & outcome_record) != 0) {
        if (!read_record(in, outcome.record.emplace())) return std::nullopt;
        if (outcome.record->kind == RecordKind::touch) return std::nullopt;
    }
    const bool is_known = outcome.verdict >= VerdictWord::done &&
                          outcome.verdict <= VerdictWord::unknown && recache <= last_recache &&
                          (fields.flags & ~outcome_flags_known) == 0 && reserved == 0;
    if (!in.complete() || !is_known || outcome.number == 0) return std::nullopt;
    if (!make_result(word, fields, to_expiry, outcome.decision)) return std::nullopt;
    const bool has_item = (fields.flags & outcome_item) != 0;
    const auto* read = std::get_if<storage::ReadResult>(&outcome.decision.result);
    // A hit has an item, and nothing else has one.
    if (has_item != (read != nullptr && read->hit() && outcome.verdict == VerdictWord::done))
        return std::nullopt;
    if (!has_item) return outcome;
    marks.recache = static_cast<storage::Recache>(recache);
    marks.vivified = (fields.flags & outcome_vivified) != 0;
    marks.expiry_before = to_expiry(before_ms);
    item.expiry = to_expiry(fields.expiry_ms);
    item.last_access = tick_at(accessed_ms, to_expiry);
    item.fetched = (fields.flags & outcome_fetched) != 0;
    item.won = (fields.flags & outcome_won) != 0;
    item.explicit_cas = (fields.flags & outcome_explicit) != 0;
    if (outcome.record) {
        item.client_flags = outcome.record->client_flags;
        item.stale = outcome.record->stale;
        item.binary_key = outcome.record->binary_key;
    }
    outcome.decision.item = std::move(item);
    return outcome;
}

}  // namespace twincached::replication

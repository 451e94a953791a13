#include "replication/records/arbitration_frames.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <variant>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using storage::Expiry;
using storage::Operation;

namespace {

// The peer's clock is 100 s behind.
constexpr auto later = [](std::uint64_t peer_ms) {
    return peer_ms == 0 ? Expiry::never()
                        : Expiry::at(static_cast<storage::Tick>(peer_ms / 1000 + 100));
};

std::string request_payload(const Operation& operation, std::uint32_t offset = 0) {
    lib::ByteBuffer out;
    write_request(out, {7, 5000, offset}, operation);
    const auto read = read_frame(out.readable());
    REQUIRE(read.status == FrameStatus::complete);
    REQUIRE(read.frame.type == FrameType::request);
    return std::string(read.frame.payload);
}

std::string outcome_payload(const OutcomeFrame& outcome) {
    lib::ByteBuffer out;
    write_outcome(out, outcome);
    const auto read = read_frame(out.readable());
    REQUIRE(read.status == FrameStatus::complete);
    REQUIRE(read.frame.type == FrameType::outcome);
    return std::string(read.frame.payload);
}

Operation full_write() {
    storage::Write write;
    write.mode = storage::WriteMode::prepend;
    write.client_flags = 9;
    write.expiry = Expiry::at(50);
    write.compare_cas = 0;
    write.explicit_cas = 11;
    write.vivify = Expiry::never();
    write.invalidate = true;
    write.binary_key = true;
    return {write, "key", "value"};
}

OutcomeFrame read_hit() {
    OutcomeFrame outcome;
    outcome.number = 3;
    outcome.sender_now_ms = 5000;
    outcome.decision.result = storage::ReadResult{};
    outcome.decision.marks = {Expiry::at(40), storage::Recache::won, false};
    storage::ItemCopy item;
    item.version = 8192;
    item.cas = 4;
    item.expiry = Expiry::at(60);
    item.last_access = 30;
    item.fetched = item.won = true;
    outcome.decision.item = item;
    WireRecord record;
    record.key = "key";
    record.value = "value";
    record.version = 8192;
    record.stale = true;
    record.client_flags = 6;
    outcome.record = record;
    return outcome;
}

bool is_read(std::string payload, const std::function<void(std::string&)>& spoil) {
    spoil(payload);
    return read_request(payload, later).has_value();
}

}  // namespace

TEST_CASE("a write is read as it was asked, with its expiry on this node's clock") {
    const auto payload = request_payload(full_write());
    const auto read = read_request(payload, later);
    REQUIRE(read);
    CHECK(read->head.number == 7);
    CHECK(read->head.sender_now_ms == 5000);
    CHECK(read->key == "key");
    CHECK(read->piece == "value");
    CHECK(read->total == 5);
    const auto& write = std::get<storage::Write>(read->operation.request);
    CHECK(write.mode == storage::WriteMode::prepend);
    CHECK(write.client_flags == 9);
    CHECK(write.expiry == Expiry::at(150));
    CHECK(write.compare_cas == 0);
    CHECK(write.explicit_cas == 11);
    CHECK(write.vivify == Expiry::never());
    CHECK(write.invalidate);
    CHECK(write.binary_key);
}

TEST_CASE("so are the other operations, and what they leave out stays left out") {
    storage::Arithmetic arithmetic;
    arithmetic.decrement = true;
    arithmetic.delta = 5;
    arithmetic.initial = 6;
    arithmetic.touch = Expiry::at(10);
    const auto sum = request_payload({arithmetic, "n", ""});
    const auto arithmetic_read =
        std::get<storage::Arithmetic>(read_request(sum, later)->operation.request);
    CHECK(arithmetic_read.decrement);
    CHECK(arithmetic_read.delta == 5);
    CHECK(arithmetic_read.initial == 6);
    CHECK(arithmetic_read.touch == Expiry::at(110));
    CHECK_FALSE(arithmetic_read.vivify);
    CHECK_FALSE(arithmetic_read.compare_cas);

    storage::Read read;
    read.recache_below = 30;
    read.touches_first = true;
    read.vivify = Expiry::at(20);
    read.leave_no_mark = true;
    const auto look = request_payload({read, "n", ""});
    const auto read_read = std::get<storage::Read>(read_request(look, later)->operation.request);
    CHECK(read_read.recache_below == 30);
    CHECK(read_read.touches_first);
    CHECK(read_read.vivify == Expiry::at(120));
    CHECK(read_read.leave_no_mark);
    CHECK(read_read.claims_recache);
    CHECK_FALSE(read_read.touch);

    storage::Remove remove;
    remove.compare_cas = 77;
    remove.clear = true;
    const auto gone = request_payload({remove, "n", ""});
    const auto remove_read =
        std::get<storage::Remove>(read_request(gone, later)->operation.request);
    CHECK(remove_read.compare_cas == 77);
    CHECK(remove_read.clear);
    CHECK_FALSE(remove_read.invalidate);
}

TEST_CASE("a value that is longer than a piece is read piece by piece") {
    auto operation = full_write();
    operation.value.assign(request_piece_limit + 1, 'v');
    const auto first = request_payload(operation);
    const auto last = request_payload(operation, request_piece_limit);
    CHECK(read_request(first, later)->piece.size() == request_piece_limit);
    const auto read = read_request(last, later);
    REQUIRE(read);
    CHECK(read->piece.size() == 1);
    CHECK(read->head.offset == request_piece_limit);
    CHECK(read->total == request_piece_limit + 1);
    auto cut = first;
    cut.pop_back();
    CHECK_FALSE(read_request(cut, later));
}

TEST_CASE("a REQUEST that makes no sense is not read, nor one that is cut anywhere") {
    const auto payload = request_payload(full_write());
    for (std::size_t size = 0; size < payload.size(); ++size)
        CHECK_FALSE(read_request(std::string_view(payload).substr(0, size), later));
    CHECK_FALSE(read_request(payload + "x", later));
    const auto set = [](std::size_t at, char byte) {
        return [at, byte](std::string& bytes) { bytes[at] = byte; };
    };
    CHECK(is_read(payload, [](std::string&) {}));
    CHECK_FALSE(is_read(payload, set(0, 0)));    // no number
    CHECK_FALSE(is_read(payload, set(16, 0)));   // no operation
    CHECK_FALSE(is_read(payload, set(16, 5)));   // none that is known
    CHECK_FALSE(is_read(payload, set(16, 2)));   // one that has no value
    CHECK_FALSE(is_read(payload, set(17, 5)));   // no mode
    CHECK_FALSE(is_read(payload, set(19, 16)));  // what only a later version could mean
    CHECK_FALSE(is_read(payload, set(20, 0)));   // no key
    CHECK_FALSE(is_read(payload, set(22, 1)));
    CHECK_FALSE(is_read(payload, set(32, 6)));  // a piece beyond the end
    const auto long_key = request_payload({storage::Remove{}, std::string(250, 'k'), ""});
    CHECK(is_read(long_key, [](std::string&) {}));
    CHECK_FALSE(is_read(long_key + "k", set(20, static_cast<char>(251))));
}

TEST_CASE("what came of a read is told with the item and its marks") {
    const auto payload = outcome_payload(read_hit());
    const auto read = read_outcome(payload, later);
    REQUIRE(read);
    CHECK(read->number == 3);
    CHECK(read->verdict == VerdictWord::done);
    CHECK(std::get<storage::ReadResult>(read->decision.result).hit());
    CHECK(read->decision.marks.recache == storage::Recache::won);
    CHECK(read->decision.marks.expiry_before == Expiry::at(140));
    REQUIRE(read->decision.item);
    const auto& item = *read->decision.item;
    CHECK(item.cas == 4);
    CHECK(item.version == 8192);
    CHECK(item.expiry == Expiry::at(160));
    CHECK(item.last_access == 130);
    CHECK(item.fetched);
    CHECK(item.won);
    CHECK(item.stale);
    CHECK(item.client_flags == 6);
    REQUIRE(read->record);
    CHECK(read->record->value == "value");
}

TEST_CASE("what came of a change is told, with what the key holds or that it holds nothing") {
    OutcomeFrame outcome;
    outcome.number = 1;
    storage::ArithmeticResult sum;
    sum.outcome = storage::ArithmeticOutcome::done;
    sum.number = 42;
    sum.cas = 5;
    sum.expiry = Expiry::at(7);
    sum.vivified = true;
    outcome.decision.result = sum;
    auto read = read_outcome(outcome_payload(outcome), later);
    REQUIRE(read);
    const auto told = std::get<storage::ArithmeticResult>(read->decision.result);
    CHECK(told.outcome == storage::ArithmeticOutcome::done);
    CHECK(told.number == 42);
    CHECK(told.cas == 5);
    CHECK(told.expiry == Expiry::at(107));
    CHECK(told.vivified);
    CHECK_FALSE(read->record);

    storage::RemoveResult gone;
    gone.outcome = storage::RemoveOutcome::removed;
    gone.size = 3;
    gone.accounted = 60;
    outcome.decision.result = gone;
    WireRecord record;
    record.kind = RecordKind::removal;
    record.key = "key";
    record.version = 9;
    outcome.record = record;
    const auto payload = outcome_payload(outcome);
    read = read_outcome(payload, later);
    REQUIRE(read);
    const auto& removed = std::get<storage::RemoveResult>(read->decision.result);
    CHECK(removed.outcome == storage::RemoveOutcome::removed);
    CHECK(removed.size == 3);
    CHECK(removed.accounted == 60);
    CHECK(read->record->kind == RecordKind::removal);

    storage::WriteResult stored;
    stored.outcome = storage::WriteOutcome::exists;
    outcome.decision.result = stored;
    outcome.record.reset();
    outcome.verdict = VerdictWord::not_mine;
    read = read_outcome(outcome_payload(outcome), later);
    REQUIRE(read);
    CHECK(read->verdict == VerdictWord::not_mine);
    CHECK(std::get<storage::WriteResult>(read->decision.result).outcome ==
          storage::WriteOutcome::exists);
}

TEST_CASE("an OUTCOME that makes no sense is not read, nor one that is cut anywhere") {
    const auto payload = outcome_payload(read_hit());
    const auto spoilt = [&](std::size_t at, char byte) {
        auto bytes = payload;
        bytes[at] = byte;
        return read_outcome(bytes, later).has_value();
    };
    for (std::size_t size = 0; size < payload.size(); ++size)
        CHECK_FALSE(read_outcome(std::string_view(payload).substr(0, size), later));
    CHECK_FALSE(read_outcome(payload + "x", later));
    CHECK(spoilt(16, 1));
    CHECK_FALSE(spoilt(0, 0));
    CHECK_FALSE(spoilt(16, 0));
    CHECK_FALSE(spoilt(16, 4));
    CHECK_FALSE(spoilt(16, 2));  // an item, and nothing was done
    CHECK_FALSE(spoilt(17, 0));
    CHECK_FALSE(spoilt(17, 5));
    CHECK_FALSE(spoilt(17, 1));  // an item of a write
    CHECK_FALSE(spoilt(18, 1));  // of a miss
    CHECK_FALSE(spoilt(18, 9));
    CHECK_FALSE(spoilt(19, 64));
    CHECK_FALSE(spoilt(20, 3));
    CHECK_FALSE(spoilt(21, 1));
    CHECK_FALSE(spoilt(80, 3));  // a touch is no state of a key
}

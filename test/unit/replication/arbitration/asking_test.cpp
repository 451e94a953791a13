// Node b asks, node a decides: two real stores and exchanges, and a stream between them that is
// handed over when a test says so.
#include "replication/pair/arbitration/asking.hpp"

#include "replication/pair/arbitration/deciding.hpp"
#include "replication/records/clock_offset.hpp"
#include "test/unit/replication/exchange_pair.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace twincached::replication::pair {
namespace {

using State = storage::Question::State;
using Asked = std::shared_ptr<storage::Question>;
using storage::Expiry;
using storage::Operation;

// As an exchange takes it.
class Word final : public PeersWord {
  public:
    explicit Word(ExchangeNode& node) : node_(node) {}

    bool apply(const WireRecord& record, const storage::Now& now) override {
        if (refuses) return false;
        const auto key = node_.store.key(record.key);
        node_.store.with_shard(node_.store.shard_of(key.hash), [&](storage::Shard& shard) {
            shard.observe(record.version);
            if (record.kind == RecordKind::removal) {
                (void)shard.apply_delete(key, record.version, now);
                return;
            }
            storage::Record item;
            item.key = key;
            item.version = record.version;
            item.value = record.value;
            item.client_flags = record.client_flags;
            item.expiry = to_expiry(record.expiry_ms);
            item.explicit_cas = record.explicit_cas;
            item.stale = record.stale;
            (void)shard.apply(item, now);
        });
        return true;
    }
    void observe(std::uint64_t peer_now_ms, const storage::Now& now) noexcept override {
        offset_.observe(peer_now_ms, now.steady_ms);
    }
    Expiry to_expiry(std::uint64_t peer_ms) const noexcept override {
        return offset_.to_expiry(peer_ms);
    }

    bool refuses = false;

  private:
    ExchangeNode& node_;
    ClockOffset offset_;
};

Operation increment(std::string_view key, std::uint64_t delta = 1) {
    storage::Arithmetic request;
    request.delta = delta;
    request.vivify = Expiry::never();
    request.initial = delta;
    return {request, std::string(key), ""};
}

Operation write(std::string_view key, std::string value,
                storage::WriteMode mode = storage::WriteMode::add) {
    storage::Write request;
    request.mode = mode;
    return {request, std::string(key), std::move(value)};
}

Operation claim(std::string_view key) {
    storage::Read request;
    request.vivify = Expiry::never();
    return {request, std::string(key), ""};
}

struct Arbitrated : ExchangePair {
    Arbitrated() : word_a(a), word_b(b), deciding({a.sink, word_a}), asking({b.sink, word_b}) {
        deciding.attach(a.store);
        asking.attach(b.store);
        asking.set_timeout(std::chrono::milliseconds(1000));
        link();
        come_to_rest();
    }

    Asked ask(Operation operation) {
        auto question = std::make_shared<storage::Question>(std::move(operation));
        asking.take(question, now);
        return question;
    }
    // b's requests, if what was changed before is in the stream, to a.
    bool request() {
        asking.send(requests, 1U << 20, now);
        return requests.size() > 0;
    }
    bool decide(bool decides = true) {
        return take(requests,
                    [&](const Frame& frame) { return deciding.on_request(frame, decides, now); });
    }
    bool answer() {
        deciding.send(outcomes, 1U << 20, now);
        return take(outcomes, [&](const Frame& frame) { return asking.on_outcome(frame, now); });
    }
    Asked carry_out(Operation operation) {
        auto question = ask(std::move(operation));
        speak(b);
        deliver(b, a);
        request();
        CHECK(decide());
        CHECK(answer());
        return question;
    }
    template <class Take>
    static bool take(lib::ByteBuffer& bytes, Take on_frame) {
        for (;;) {
            const auto read = read_frame(bytes.readable());
            if (read.status != FrameStatus::complete) return true;
            const bool is_taken = on_frame(read.frame);
            bytes.consume(read.size);
            if (!is_taken) return false;
        }
    }
    template <class Result>
    static Result result_of(const Asked& question) {
        REQUIRE(question->state() == State::decided);
        return std::get<Result>(question->decision().result);
    }

    Word word_a;
    Word word_b;
    Deciding deciding;
    Asking asking;
    lib::ByteBuffer requests;
    lib::ByteBuffer outcomes;
};

}  // namespace

TEST_CASE("increments of both nodes are all counted, and each reads what it was told") {
    Arbitrated pair;
    for (std::uint64_t i = 0; i < 20; ++i) {
        const auto asked = pair.carry_out(increment("n"));
        CHECK(Arbitrated::result_of<storage::ArithmeticResult>(asked).number == 2 * i + 1);
        CHECK(pair.get(pair.b, "n") == std::to_string(2 * i + 1));
        pair.a.store.add(pair.a.store.key("n"), pair.now, {});
    }
    pair.come_to_rest();
    CHECK(pair.get(pair.a, "n") == "40");
    CHECK(pair.get(pair.b, "n") == "40");
    CHECK(pair.version_of(pair.a, "n") == pair.version_of(pair.b, "n"));
}

TEST_CASE("of two adds of one key, one on each node, one is stored") {
    Arbitrated pair;
    const auto asked = pair.ask(write("lock", "b"));
    storage::Write own;
    own.mode = storage::WriteMode::add;
    own.value = "a";
    CHECK(pair.a.store.write(pair.a.store.key("lock"), pair.now, own).outcome ==
          storage::WriteOutcome::stored);
    pair.request();
    CHECK(pair.decide());
    CHECK(pair.answer());
    CHECK(Arbitrated::result_of<storage::WriteResult>(asked).outcome ==
          storage::WriteOutcome::not_stored);
    // Who was told that it is taken sees by whom.
    CHECK(pair.get(pair.b, "lock") == "a");
}

TEST_CASE("what a client has set before is in the stream before its request") {
    Arbitrated pair;
    pair.set(pair.b, "n", "41");
    const auto asked = pair.ask(increment("n"));
    CHECK_FALSE(pair.request());
    pair.speak(pair.b);
    CHECK(pair.request());
    pair.deliver(pair.b, pair.a);
    CHECK(pair.decide());
    CHECK(pair.answer());
    CHECK(Arbitrated::result_of<storage::ArithmeticResult>(asked).number == 42);
    CHECK(pair.get(pair.b, "n") == "42");
}

TEST_CASE("a removal that was decided there is seen here") {
    Arbitrated pair;
    pair.set(pair.b, "k", "v");
    pair.come_to_rest();
    std::uint64_t cas = 0;
    pair.b.store.get(pair.b.store.key("k"), pair.now,
                     [&](const storage::ItemView& item) { cas = item.cas; });
    storage::Remove remove;
    remove.compare_cas = cas + 1;
    auto asked = pair.carry_out({remove, "k", ""});
    CHECK(Arbitrated::result_of<storage::RemoveResult>(asked).outcome ==
          storage::RemoveOutcome::exists);
    remove.compare_cas = cas;
    asked = pair.carry_out({remove, "k", ""});
    CHECK(Arbitrated::result_of<storage::RemoveResult>(asked).outcome ==
          storage::RemoveOutcome::removed);
    CHECK(pair.get(pair.b, "k") == "(miss)");
}

TEST_CASE("of all readers of a missing item, of both nodes, one is told to fetch it") {
    Arbitrated pair;
    const auto first = pair.carry_out(claim("k"));
    const auto second = pair.carry_out(claim("k"));
    CHECK(first->decision().marks.recache == storage::Recache::won);
    CHECK(first->decision().marks.vivified);
    CHECK(first->decision().item->value.empty());
    CHECK(second->decision().marks.recache == storage::Recache::already_won);
    // The place that is held is the deciding node's own affair.
    CHECK(pair.get(pair.b, "k") == "(miss)");
}

TEST_CASE("a value that was read is told as it was read, with its flags") {
    Arbitrated pair;
    storage::Write set;
    set.value = "value";
    set.client_flags = 5;
    pair.a.store.write(pair.a.store.key("k"), pair.now, set);
    const auto asked = pair.carry_out(claim("k"));
    REQUIRE(Arbitrated::result_of<storage::ReadResult>(asked).hit());
    CHECK(asked->decision().item->value == "value");
    CHECK(asked->decision().item->client_flags == 5);
    CHECK(pair.get(pair.b, "k") == "value");
}

TEST_CASE("values that readers are shown take no more memory than they may, however many ask") {
    Arbitrated pair;
    const std::string value(200'000, 'v');
    storage::Write own;
    own.value = value;
    REQUIRE(pair.a.store.write(pair.a.store.key("large"), pair.now, own).outcome ==
            storage::WriteOutcome::stored);
    pair.come_to_rest();
    constexpr std::size_t shown = Deciding::shown_bytes_limit / 200'000;
    std::vector<Asked> readers;
    for (std::size_t i = 0; i < 3 * shown; ++i)
        readers.push_back(pair.ask({storage::Read{}, "large", ""}));
    CHECK(pair.request());
    CHECK(pair.decide());
    CHECK(pair.deciding.shown_bytes() <= Deciding::shown_bytes_limit);
    while (pair.deciding.has_work())
        CHECK(pair.answer());
    for (std::size_t i = 0; i < readers.size(); ++i)
        CHECK(readers[i]->state() == (i < shown ? State::decided : State::unknown));
    CHECK(readers.front()->decision().item->value == value);
    // All of that has left.
    CHECK(pair.deciding.shown_bytes() == 0);
    CHECK(pair.carry_out({storage::Read{}, "large", ""})->state() == State::decided);
}

TEST_CASE("a large value goes there in pieces, and comes back before its answer") {
    Arbitrated pair;
    const std::string value(3 * request_piece_limit / 2, 'v');
    const auto asked = pair.ask(write("k", value));
    CHECK(pair.request());
    CHECK(pair.decide());
    CHECK(pair.answer());
    CHECK(asked->state() == State::asked);
    pair.speak(pair.a);
    pair.deliver(pair.a, pair.b);
    CHECK(pair.get(pair.b, "k") == value);
    CHECK(pair.answer());
    CHECK(Arbitrated::result_of<storage::WriteResult>(asked).outcome ==
          storage::WriteOutcome::stored);
    const auto read = pair.carry_out(claim("k"));
    CHECK(read->decision().item->value == value);
}

TEST_CASE("a request that had left when the session ended is unknown, and is never sent again") {
    Arbitrated pair;
    const auto left = pair.ask(increment("n"));
    CHECK(pair.request());
    pair.requests.clear();
    pair.set(pair.b, "m", "1");
    const auto waiting = pair.ask(increment("m"));
    CHECK_FALSE(pair.request());
    pair.asking.end(false);
    pair.deciding.end();
    CHECK(left->state() == State::unknown);
    CHECK(waiting->state() == State::undecided);
    CHECK(pair.asking.take_news());
    CHECK_FALSE(pair.asking.take_news());
    pair.cut();
    pair.link();
    pair.come_to_rest();
    CHECK_FALSE(pair.request());
    const auto next = pair.carry_out(increment("n"));
    CHECK(Arbitrated::result_of<storage::ArithmeticResult>(next).number == 1);
    CHECK(left->state() == State::unknown);
}

TEST_CASE("who waits for too long is told so, and a late answer is applied all the same") {
    Arbitrated pair;
    const auto asked = pair.ask(increment("n"));
    CHECK(pair.request());
    pair.pass(999);
    pair.asking.expire(pair.now);
    CHECK(asked->state() == State::asked);
    pair.pass(1);
    pair.asking.expire(pair.now);
    CHECK(asked->state() == State::unknown);
    CHECK(pair.decide());
    CHECK(pair.answer());
    CHECK(asked->state() == State::unknown);
    CHECK(pair.get(pair.b, "n") == "1");
    CHECK(pair.asking.under_way() == 0);
}

TEST_CASE("a request that could not be sent in time is never sent") {
    Arbitrated pair;
    pair.set(pair.b, "n", "1");
    const auto asked = pair.ask(increment("n"));
    CHECK_FALSE(pair.request());
    pair.pass(1000);
    pair.asking.expire(pair.now);
    CHECK(asked->state() == State::unknown);
    pair.come_to_rest();
    CHECK_FALSE(pair.request());
}

TEST_CASE("a node that does not decide does nothing, and says so") {
    Arbitrated pair;
    const auto asked = pair.ask(increment("n"));
    CHECK(pair.request());
    CHECK(pair.decide(false));
    CHECK(pair.answer());
    CHECK(asked->state() == State::undecided);
    CHECK(pair.get(pair.a, "n") == "(miss)");
    CHECK(pair.deciding.executed() == 0);
}

TEST_CASE("what has not left is given back if it is not to be asked any more") {
    Arbitrated pair;
    const auto asked = pair.ask(increment("n"));
    pair.asking.withdraw();
    CHECK(asked->state() == State::undecided);
    CHECK_FALSE(pair.request());
}

TEST_CASE("a request is executed once, whatever is repeated on the link") {
    Arbitrated pair;
    pair.ask(increment("n"));
    CHECK(pair.request());
    const std::string bytes(pair.requests.readable());
    CHECK(pair.decide());
    pair.requests.append(bytes);
    CHECK_FALSE(pair.decide());
    CHECK(pair.get(pair.a, "n") == "1");
    CHECK(pair.deciding.executed() == 1);
}

TEST_CASE("no request is taken out of order, nor more than may be under way") {
    Arbitrated pair;
    lib::ByteBuffer out;
    write_request(out, {2, 0, 0}, increment("n"));
    pair.requests.append(out.readable());
    CHECK_FALSE(pair.decide());
    pair.requests.clear();
    for (std::uint64_t number = 1; number <= requests_limit; ++number)
        write_request(pair.requests, {number, 0, 0}, increment("n"));
    CHECK(pair.decide());
    write_request(pair.requests, {requests_limit + 1, 0, 0}, increment("n"));
    CHECK_FALSE(pair.decide());
    CHECK(pair.get(pair.a, "n") == std::to_string(requests_limit));
}

TEST_CASE("an answer that nobody asked for, or to something else, ends the session") {
    Arbitrated pair;
    OutcomeFrame outcome;
    outcome.number = 1;
    outcome.decision.result = storage::RemoveResult{};
    const auto is_taken = [&](const OutcomeFrame& told) {
        lib::ByteBuffer bytes;
        write_outcome(bytes, told);
        return pair.asking.on_outcome(read_frame(bytes.readable()).frame, pair.now);
    };
    CHECK_FALSE(is_taken(outcome));
    const auto asked = pair.ask(increment("n"));
    pair.request();
    CHECK_FALSE(is_taken(outcome));  // a removal
    outcome.decision.result = storage::ArithmeticResult{};
    outcome.record.emplace();
    outcome.record->key = "m";
    outcome.record->version = 8192;
    CHECK_FALSE(is_taken(outcome));  // another key
    outcome.record->key = "n";
    pair.word_b.refuses = true;
    CHECK_FALSE(is_taken(outcome));  // a version that cannot be
    CHECK(asked->state() == State::asked);
    pair.word_b.refuses = false;
    outcome.number = 2;
    CHECK_FALSE(is_taken(outcome));
    outcome.number = 1;
    CHECK(is_taken(outcome));
    CHECK(asked->state() == State::decided);
}

TEST_CASE("where the log has forgotten what has changed, nothing is asked") {
    Arbitrated pair;
    pair.b.store.with_shard(0, [&](storage::Shard&) {
        pair.b.sink.shard(0).buckets.mark_dirty(storage::bucket_of(pair.b.store.key("n").hash));
        pair.b.sink.refresh(0);
    });
    const auto asked = pair.ask(increment("n"));
    CHECK_FALSE(pair.request());
    pair.come_to_rest();
    CHECK(pair.request());
}

}  // namespace twincached::replication::pair

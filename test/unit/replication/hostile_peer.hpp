// A node's engine and, at the other end of its link, somebody who knows the protocol and means ill:
// frames with valid checksums and whatever a test puts into them, and a network that takes of the
// node's bytes only what the test lets it take. For unit tests and the link's fuzzer.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "replication/pair/link/engine.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/records/frame.hpp"
#include "storage/store.hpp"
#include "test/support/forged_frame.hpp"
#include "test/unit/replication/shortened_walk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::pair {

class HostilePeer {
  public:
    explicit HostilePeer(std::string_view secret = {}, std::size_t shards = 1)
        : sink(static_cast<unsigned>(shards), 1 << 20),
          store(store_options(static_cast<unsigned>(shards)), lib::KeyedHash("k"), sink),
          engine(engine_options(secret), sink) {
        now.version_ms = 50'000'000'000;
        sink.set_wake([] {});
        engine.attach(store);
        engine.start(now);
        turn();
    }

    ChangeSink sink;
    storage::Store store;
    Engine engine;
    storage::Now now;
    bool takes = true;  // what the node sends; else nothing of it
    // If it is set, full walks of a node with no more than these are shortened.
    std::optional<std::size_t> few_items;
    bool dial_wanted = false;
    std::string log;
    ConnectionId current = 0;
    Hello hello = plain_hello();  // what it says of itself

    // --- connections -----------------------------------------------------------------------
    ConnectionId call() {
        current = next_++;
        open_[current] = true;
        engine.on_accepted(current, now);
        turn();
        return current;
    }
    // The node's own dial arrives, if it has dialled.
    bool answer_dial() {
        if (!dial_wanted) return false;
        dial_wanted = false;
        current = next_++;
        open_[current] = true;
        engine.on_connected(current, now);
        turn();
        return true;
    }
    void close() {
        open_.erase(current);
        engine.on_closed(current, "the peer closed the connection", now);
        turn();
    }
    bool is_open(ConnectionId id) const { return open_.count(id) != 0; }
    std::size_t open_connections() const { return open_.size(); }

    // --- what it says ----------------------------------------------------------------------
    template <class Payload>
    void say(const Payload& payload) {
        lib::ByteBuffer bytes;
        write_frame(bytes, payload);
        say_bytes(bytes.readable());
    }
    // A numbered one, with the next number.
    template <class Payload>
    void say_next(const Payload& payload) {
        lib::ByteBuffer bytes;
        write_frame(bytes, ++said_, payload);
        say_bytes(bytes.readable());
    }
    void say_list(storage::BucketNumber bucket, storage::Version floor,
                  const std::vector<BucketItem>& items, FrameType type = FrameType::list) {
        lib::ByteBuffer bytes;
        write_list(bytes, {type, type == FrameType::list ? ++said_ : 0, bucket, floor}, items);
        say_bytes(bytes.readable());
    }
    void say_digests(storage::BucketNumber first, const std::vector<BucketDigest>& digests,
                     FrameType type = FrameType::digest) {
        lib::ByteBuffer bytes;
        write_digests(bytes, {type, type == FrameType::digest ? ++said_ : 0, first}, digests);
        say_bytes(bytes.readable());
    }
    void say_record(const WireRecord& record) {
        lib::ByteBuffer bytes;
        BatchWriter batch(bytes, ++said_, 0, now.steady_ms);
        batch.add(record);
        batch.finish();
        say_bytes(bytes.readable());
    }
    void say_frame(FrameType type, std::uint64_t seq, std::string_view payload) {
        say_bytes(test::forged_frame(type, seq, payload));
    }
    void say_bytes(std::string_view bytes) {
        engine.on_bytes(current, bytes, now);
        turn();
    }
    std::uint64_t next_number() noexcept { return ++said_; }

    // --- the handshake ---------------------------------------------------------------------
    void introduce() { say(Challenge{.node = 1, .epoch = hello.epoch, .cluster = "hostile"}); }
    void say_hello() {
        hello.hash_check = store.key("twincached: do both nodes hash alike?").hash;
        say(hello);
    }
    // All of it, without a secret, as a peer that was never met. Whether it gets a session by it.
    bool begin_session() {
        said_ = 0;
        ++hello.epoch;
        call();
        introduce();
        say_hello();
        say_frame(FrameType::ready, 0, {});
        return engine.has_session();
    }

    // --- what comes of it ------------------------------------------------------------------
    void pass(std::chrono::milliseconds time) {
        now.steady_ms += static_cast<std::uint64_t>(time.count());
        now.version_ms += static_cast<std::uint64_t>(time.count());
        engine.on_timer(now);
        turn();
    }
    // Bytes of the node's that the network has not taken yet.
    std::size_t untaken() const {
        std::size_t sum = 0;
        for (const auto& [id, bytes] : untaken_)
            sum += bytes;
        return sum;
    }
    std::size_t untaken(ConnectionId id) const {
        const auto found = untaken_.find(id);
        return found == untaken_.end() ? 0 : found->second;
    }
    std::size_t most_untaken() const noexcept { return most_untaken_; }
    std::string take_heard() { return std::exchange(heard_, {}); }
    // The network takes all of it now.
    void take_all() {
        for (auto& [id, bytes] : std::exchange(untaken_, {}))
            engine.on_sent(id, bytes, now);
        turn();
    }
    bool said(std::string_view text) const { return log.find(text) != std::string::npos; }
    // Whether a client's set is stored, and read again.
    bool serves() {
        const auto key = store.key("a client's key");
        storage::Write write;
        write.value = "a client's value";
        if (store.write(key, now, write).outcome != storage::WriteOutcome::stored) return false;
        return store.get(key, now, [](const storage::ItemView&) {}).hit();
    }

    void turn() {
        if (few_items && engine.has_session()) shorten_walk(sink, store, *few_items);
        std::vector<Action> actions;
        engine.drain(now, actions);
        for (auto& action : actions)
            perform(action);
        most_untaken_ = std::max(most_untaken_, untaken());
    }

  private:
    static storage::StoreOptions store_options(unsigned shards) {
        auto options = storage::default_store_options();
        options.memory_limit_bytes = 8 << 20;
        options.shards = shards;
        options.node = 0;
        return options;
    }
    static EngineOptions engine_options(std::string_view secret) {
        EngineOptions options;
        options.self.cluster = "hostile";
        options.self.secret = secret;
        options.self.epoch = 77;
        return options;
    }
    static Hello plain_hello() {
        Hello hello;
        hello.epoch = 99;
        hello.steady_ms = 1000;
        hello.version_ms = 50'000'000'000;
        hello.capabilities = capability_digests | capability_hints;
        return hello;
    }
    void perform(Action& action) {
        switch (action.kind) {
            case Action::Kind::dial:
                dial_wanted = true;
                return;
            case Action::Kind::hang_up:
                dial_wanted = false;
                return;
            case Action::Kind::send:
                heard_ += action.bytes.readable();
                untaken_[action.connection] += action.bytes.size();
                if (!takes) return;
                untaken_.erase(action.connection);
                return engine.on_sent(action.connection, action.bytes.size(), now);
            case Action::Kind::close:
            case Action::Kind::reset:
                open_.erase(action.connection);
                untaken_.erase(action.connection);
                return;
            case Action::Kind::log:
                log += action.line.text + "\n";
                return;
            case Action::Kind::ready:
            case Action::Kind::access:
            case Action::Kind::drained:
                return;
        }
    }

    ConnectionId next_ = 1;
    std::uint64_t said_ = 0;  // numbered frames of this session
    std::map<ConnectionId, bool> open_;
    std::map<ConnectionId, std::size_t> untaken_;
    std::size_t most_untaken_ = 0;
    std::string heard_;
};

}  // namespace twincached::replication::pair

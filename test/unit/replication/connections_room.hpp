// Connections alone, for unit tests: a host that does as a test says and writes down what it is
// asked, and at the other end of each connection a handshake of its own. No session, no data.
#pragma once

#include "replication/pair/link/connections.hpp"
#include "replication/pair/pair_options.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

inline constexpr std::uint64_t days_ms = 10ULL * 24 * 3600 * 1000;

inline Self self_of(unsigned node, std::uint64_t epoch) {
    Self self;
    self.cluster = "shop";
    self.node = node;
    self.epoch = epoch;
    self.hash_check = 77;
    return self;
}

inline Hello hello_of(const Self& self, const storage::Now& now) {
    Hello hello;
    hello.epoch = self.epoch;
    hello.hash_check = self.hash_check;
    hello.version_ms = now.version_ms;
    return hello;
}

// What the engine is to Connections.
struct ScriptedHost final : Connections::Host {
    explicit ScriptedHost(Self& who) : self(who) {}

    Self& self;
    std::uint64_t held = 0;  // the session's number
    Meeting past = Meeting::begin;
    bool clock_was_wrong = false;
    std::string asked;  // in order
    const Connection* session = nullptr;

    std::uint64_t session_number() const noexcept override { return held; }
    void decide_node(unsigned node, std::string_view) noexcept override {
        self.node = node;
        asked += "decide ";
    }
    Hello own_hello(const storage::Now& now) const noexcept override {
        auto hello = hello_of(self, now);
        hello.live_session = held;
        return hello;
    }
    void lose_session(std::string_view, const storage::Now&) noexcept override {
        held = 0;
        asked += "lose ";
    }
    Meeting judge_past(const Hello&) const noexcept override { return past; }
    void begin_anew(const Nonce& nonce, std::string_view, const storage::Now&) noexcept override {
        self.epoch = nonce[0] + 5000U;
        asked += "anew ";
    }
    bool takes_up_peers_hash(const Handshake&) noexcept override { return false; }
    bool tries_other_secret() noexcept override { return false; }
    void begin_exchange(const Connection&, const storage::Now&) noexcept override {
        asked += "begin ";
    }
    void end_exchange() noexcept override { asked += "end "; }
    bool wrote_by_wrong_clock(const storage::Now&) const noexcept override {
        return clock_was_wrong;
    }
    void correct_versions(const Nonce&, const storage::Now&) noexcept override {
        asked += "correct ";
    }
    void establish(Connection& connection, const storage::Now&) noexcept override {
        session = &connection;
        held = connection.handshake.session_number();
        asked += "establish ";
    }
};

// The other end of one connection, which takes part in the handshake until it has said HELLO.
struct FarEnd {
    FarEnd(ConnectionId number, Self who, Side side, std::uint64_t nonce)
        : id(number), self(std::move(who)), handshake(self, side, make_nonce({9}, nonce)) {}
    FarEnd(const FarEnd&) = delete;

    const ConnectionId id;
    Self self;
    Handshake handshake;
    lib::ByteBuffer output;
    std::string heard;        // the types of frames, one letter each
    bool silent = false;      // hears, and says nothing more
    bool clock_lags = false;  // by so much that this node's is too far ahead for it
    std::uint64_t live_session = 0;
    std::string settings;

    void hear(std::string_view bytes, const storage::Now& now) {
        for (;;) {
            const auto read = read_frame(bytes);
            if (read.status != FrameStatus::complete) return;
            bytes.remove_prefix(read.size);
            hear(read.frame, now);
        }
    }
    bool heard_last(char letter) const { return !heard.empty() && heard.back() == letter; }

  private:
    void hear(const Frame& frame, const storage::Now& now) {
        heard += letter_of(frame.type);
        if (silent || frame.type == FrameType::ready || frame.type == FrameType::bye) return;
        auto own = now;
        if (clock_lags) own.version_ms -= days_ms;
        const auto step = handshake.on_frame(frame, own, output);
        if (step != Handshake::Step::say_hello && step != Handshake::Step::answer_hello) return;
        auto hello = hello_of(self, now);
        hello.live_session = live_session;
        hello.settings = settings;
        handshake.write_hello(hello, output);
    }
    static char letter_of(FrameType type) {
        if (type == FrameType::challenge) return 'c';
        if (type == FrameType::hello) return 'h';
        if (type == FrameType::ready) return 'r';
        if (type == FrameType::bye) return 'b';
        return type == FrameType::error ? 'e' : '?';
    }
};

struct ConnectionsRoom {
    explicit ConnectionsRoom(unsigned node = node_a) : self(self_of(node, 1000 + node)) {
        link.on(LinkEvent::start, instant_of(now), {});
    }
    ConnectionsRoom(const ConnectionsRoom&) = delete;

    Self self;
    Timing timing = default_timing();
    storage::Now now{.steady_ms = 10'000, .version_ms = 50'000'000'000};
    LinkMachine link{timing, true, 1, OnSplit::both_serve};
    Strangers strangers;
    ScriptedHost host{self};
    Connections connections{{self, timing, link, strangers, host}, Entropy{1, 2, 3}};
    std::vector<std::unique_ptr<FarEnd>> ends;
    std::string closed;  // the numbers, in order

    // The peer has dialled; it is the incarnation of that number.
    FarEnd& called(std::uint64_t epoch = 2000) {
        auto& end = add(Side::dialler, epoch);
        connections.accept(end.id, "10.0.0.9:4711", now);
        end.handshake.begin(end.output);
        return end;
    }
    // This node has dialled, and was accepted.
    FarEnd& dialled(std::uint64_t epoch = 2000) {
        auto& end = add(Side::acceptor, epoch);
        auto& connection = connections.open(end.id, Side::dialler, now);
        link.on(LinkEvent::connected, instant_of(now), {});
        connection.handshake.begin(connection.output);
        return end;
    }
    // What each has to say goes to the other, until nobody has anything.
    void talk() {
        for (int turn = 0; turn < 12; ++turn) {
            for (auto& end : ends)
                deliver(*end);
            turn_over();
        }
    }
    template <class Payload>
    void say(FarEnd& end, const Payload& payload) {
        write_frame(end.output, payload);
        talk();
    }
    void say_ready(FarEnd& end) {
        write_empty_frame(end.output, FrameType::ready);
        talk();
    }
    void pass(Timing::ms time) {
        now.steady_ms += static_cast<std::uint64_t>(time.count());
        connections.judge(now);
        talk();
    }
    bool is_open(const FarEnd& end) { return connections.find(end.id) != nullptr; }
    Phase phase(const FarEnd& end) { return connections.find(end.id)->phase; }
    bool has_asked(std::string_view what) const {
        return host.asked.find(what) != std::string::npos;
    }

  private:
    FarEnd& add(Side side, std::uint64_t epoch) {
        const auto id = static_cast<ConnectionId>(ends.size() + 1);
        ends.push_back(
            std::make_unique<FarEnd>(id, self_of(other_node(self.node % 2), epoch), side, id));
        return *ends.back();
    }
    void deliver(FarEnd& end) {
        const auto bytes = std::exchange(end.output, {});
        auto rest = bytes.readable();
        for (;;) {
            auto* connection = connections.find(end.id);
            if (connection == nullptr || connection->phase >= Phase::session) return;
            const auto read = read_frame(rest);
            if (read.status != FrameStatus::complete) return;
            rest.remove_prefix(read.size);
            connections.on_frame(*connection, read.frame, now);
        }
    }
    void turn_over() {
        connections.choose(now);
        std::vector<std::pair<ConnectionId, std::string>> said;
        connections.flush([&](Connection& one) {
            said.emplace_back(one.id, std::exchange(one.output, {}).readable());
            if (one.phase == Phase::closed) closed += std::to_string(one.id) + " ";
        });
        for (const auto& [id, bytes] : said)
            ends[id - 1]->hear(bytes, now);
    }
};

}  // namespace twincached::replication::pair

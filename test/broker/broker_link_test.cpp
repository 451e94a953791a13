#include "replication/nats/driver/broker_link.hpp"
#include "test/broker/nats_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace twincached::broker {
namespace {

using namespace twincached::replication;
using namespace twincached::replication::nats;
using std::chrono::milliseconds;

// One node that does nothing but note what it is told; everything runs on the test's thread.
class Node : private BrokerEvents, private BrokerLink::Owner {
  public:
    Node(boost::asio::io_context& context, BrokerAccess access, unsigned number,
         std::string cluster = "test")
        : timer_(context),
          link_(context, std::move(access), settings(number, std::move(cluster)), *this) {
        link_.start(*this);
    }

    Broker& broker() { return link_.broker(); }
    const LinkFacts& facts() const { return link_.facts(); }
    // What the engine asks outside of events.
    void act(const std::function<void(Broker&)>& asks) {
        (void)before();
        asks(link_.broker());
        after();
    }

    bool is_connected = false;
    std::size_t max_payload = 0;
    std::map<StreamId, StreamState> streams;
    std::vector<std::string> refusals;
    std::map<Token, Sequence> stored;
    std::map<Token, std::string> not_stored;
    std::vector<std::string> payloads;
    std::vector<Sequence> sequences;
    std::vector<std::int64_t> times;
    std::vector<std::string> lost;
    std::vector<std::string> answers;
    std::vector<std::string> unanswered;
    std::vector<std::string> tellings;
    std::vector<std::string> questions;
    std::vector<std::string> lines;

  private:
    static JetStreamBroker::Settings settings(unsigned number, std::string cluster) {
        Names names;
        names.cluster = std::move(cluster);
        names.stream = stream_of(names.cluster, {});
        names.node = number;
        StreamSettings stream;
        stream.storage = Storage::file;
        stream.max_age = std::chrono::minutes(5);
        stream.max_bytes = 64 << 20;
        static std::uint64_t identities = 0;
        return {.names = names,
                .stream = stream,
                .heartbeat = milliseconds(200),
                .identity = ++identities,
                .place = "the test"};
    }

    BrokerLink::Instant before() override {
        return std::chrono::duration_cast<milliseconds>(
            std::chrono::steady_clock::now().time_since_epoch());
    }
    void after() override {
        const auto at = link_.broker().deadline();
        if (!at) return;
        timer_.expires_after(std::max(*at - before(), milliseconds(0)));
        timer_.async_wait([this, life = std::weak_ptr(life_)](const auto& error) {
            if (error || life.expired()) return;
            link_.on_timer(before());
            after();
        });
    }
    void log(LogLevel, std::string_view line) override { lines.emplace_back(line); }

    void connected(std::size_t payload) override {
        is_connected = true;
        max_payload = payload;
        broker().look(own_stream);
    }
    void disconnected(std::string_view) override { is_connected = false; }
    void stream_is(StreamId stream, const StreamState& state) override { streams[stream] = state; }
    void no_stream(StreamId, std::string_view why) override { refusals.emplace_back(why); }
    void published(Token token, Sequence sequence) override { stored[token] = sequence; }
    void not_published(Token token, std::string_view why) override { not_stored[token] = why; }
    void delivered(const Delivery& delivery) override {
        sequences.push_back(delivery.sequence);
        times.push_back(delivery.time);
        payloads.emplace_back(delivery.payload);
    }
    void reading(StreamId) override {}
    void consumer_lost(StreamId, std::string_view why) override { lost.emplace_back(why); }
    void asked(std::string_view subject, std::string_view payload, std::string_view to) override {
        questions.push_back(std::string(subject) + ":" + std::string(payload));
        if (subject.empty()) return;
        broker().reply(to, "first");
        broker().reply(to, "second");
    }
    void answered(Token, std::string_view payload, std::string_view to) override {
        answers.emplace_back(payload);
        broker().reply(to, "thanks");
    }
    void not_answered(Token, std::string_view why) override { unanswered.emplace_back(why); }
    void told(std::string_view subject, std::string_view payload) override {
        tellings.push_back(std::string(subject) + ":" + std::string(payload));
    }

    const std::shared_ptr<const bool> life_ = std::make_shared<const bool>(true);
    boost::asio::steady_timer timer_;
    BrokerLink link_;
};

// Runs what happens until this is so.
void await(boost::asio::io_context& context, const std::function<bool()>& so) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto work = boost::asio::make_work_guard(context);
    while (!so()) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        context.run_one_for(milliseconds(50));
    }
}

BrokerAccess access_to(const NatsServer& server) {
    BrokerAccess access;
    access.servers = {server.url()};
    return access;
}

}  // namespace

TEST_CASE("what is published has a sequence when the broker has it, and is delivered in order") {
    NatsServer server;
    boost::asio::io_context context;
    Node node(context, access_to(server), 0);
    await(context, [&] { return node.streams.contains(own_stream); });
    CHECK(node.max_payload == 1 << 20);
    CHECK(node.streams[own_stream].last == 0);
    CHECK(node.streams[own_stream].first == 1);
    CHECK(node.streams[own_stream].created > 0);
    node.act([](Broker& broker) {
        broker.consume(own_stream, 1);
        for (Token token = 1; token <= 100; ++token)
            broker.publish(token, "batch " + std::to_string(token));
    });
    await(context, [&] { return node.stored.size() == 100 && node.payloads.size() == 100; });
    for (Token token = 1; token <= 100; ++token) {
        CHECK(node.stored[token] == token);
        CHECK(node.payloads[token - 1] == "batch " + std::to_string(token));
    }
    const auto now = std::chrono::duration_cast<milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    CHECK(std::abs(node.times.back() - now.count()) < 60'000);

    // From the middle, and nothing of the consumer before.
    node.payloads.clear();
    node.act([](Broker& broker) { broker.consume(own_stream, 51); });
    await(context, [&] { return node.payloads.size() == 50; });
    CHECK(node.payloads.front() == "batch 51");
    CHECK(node.lost.empty());
}

TEST_CASE("twenty megabytes arrive whole and in order, whatever the broker holds back meanwhile") {
    NatsServer server;
    boost::asio::io_context context;
    Node node(context, access_to(server), 0);
    await(context, [&] { return node.streams.contains(own_stream); });
    node.act([](Broker& broker) { broker.consume(own_stream, 1); });
    const std::string batch(256 << 10, 'x');
    constexpr Token count = 80;
    for (Token token = 1; token <= count; ++token) {
        node.act([&](Broker& broker) { broker.publish(token, batch); });
        await(context, [&] { return node.stored.contains(token); });
    }
    await(context, [&] { return node.sequences.size() == count; });
    CHECK(node.sequences.back() == count);
    CHECK(node.payloads.back() == batch);
    CHECK(node.lost.empty());
}

TEST_CASE("a message that the broker would not take is never sent") {
    NatsServer server("max_payload: 1000");
    boost::asio::io_context context;
    Node node(context, access_to(server), 0);
    await(context, [&] { return node.streams.contains(own_stream); });
    CHECK(node.max_payload == 1000);
    node.act([](Broker& broker) {
        broker.publish(1, std::string(1001, 'x'));
        broker.publish(2, std::string(1000, 'x'));
    });
    await(context, [&] { return node.stored.contains(2) && node.not_stored.contains(1); });
    CHECK(node.facts().connections == 1);
}

TEST_CASE("where no stream listens a publication is refused at once") {
    NatsServer server;
    boost::asio::io_context context;
    Node node(context, access_to(server), 0);
    await(context, [&] { return node.is_connected; });
    Node other(context, access_to(server), 0, "other");
    await(context, [&] { return other.streams.contains(own_stream); });
    // Its stream is deleted behind its back.
    server.kill();
    server.forget_everything();
    server.start();
    await(context, [&] { return other.facts().connections == 2 && other.is_connected; });
    Node third(context, access_to(server), 1, "third");
    await(context, [&] { return third.is_connected; });
    third.act([](Broker& broker) { broker.publish(7, "too early"); });
    await(context, [&] { return third.stored.contains(7) || third.not_stored.contains(7); });
}

TEST_CASE(
    "a question is answered by another node, several times, and each answer can be answered") {
    NatsServer server;
    boost::asio::io_context context;
    Node donor(context, access_to(server), 0);
    Node joiner(context, access_to(server), 1);
    await(context, [&] { return donor.is_connected && joiner.is_connected; });
    joiner.act([](Broker& broker) { broker.ask(1, "donor", "anybody?"); });
    await(context, [&] { return !joiner.unanswered.empty(); });
    CHECK(joiner.unanswered.front() == "nobody listens there");
    donor.act([](Broker& broker) { broker.serve("donor", true); });
    joiner.act([](Broker& broker) { broker.serve("donor", true); });
    // Until the broker has heard of it.
    std::size_t asked = 1;
    await(context, [&] {
        if (joiner.unanswered.size() == asked) {
            ++asked;
            joiner.act([&](Broker& broker) { broker.ask(asked, "donor", "anybody?"); });
        }
        return donor.questions.size() == 3;
    });
    CHECK(joiner.answers == std::vector<std::string>{"first", "second"});
    CHECK(donor.questions == std::vector<std::string>{"donor:anybody?", ":thanks", ":thanks"});
    CHECK(joiner.questions.empty());
    donor.act([](Broker& broker) { broker.tell("hint", "hot"); });
    await(context, [&] { return !joiner.tellings.empty(); });
    CHECK(joiner.tellings.front() == "hint:hot");
    CHECK(donor.tellings.empty());
}

TEST_CASE("a broker that was killed is found again, with all that it had acknowledged") {
    NatsServer server;
    boost::asio::io_context context;
    Node node(context, access_to(server), 0);
    await(context, [&] { return node.streams.contains(own_stream); });
    node.act([](Broker& broker) { broker.publish(1, "kept"); });
    await(context, [&] { return node.stored.contains(1); });
    const auto created = node.streams[own_stream].created;
    server.kill();
    await(context, [&] { return !node.is_connected; });
    node.streams.clear();
    server.start();
    await(context, [&] { return node.streams.contains(own_stream); });
    CHECK(node.streams[own_stream].created == created);
    CHECK(node.streams[own_stream].last == 1);
    // And with nothing: another stream.
    server.kill();
    server.forget_everything();
    await(context, [&] { return !node.is_connected; });
    node.streams.clear();
    server.start();
    await(context, [&] { return node.streams.contains(own_stream); });
    CHECK(node.streams[own_stream].created != created);
    CHECK(node.streams[own_stream].last == 0);
}

TEST_CASE("a broker that says nothing any more is gone within a few of its silences") {
    NatsServer server;
    boost::asio::io_context context;
    Node node(context, access_to(server), 0);
    await(context, [&] { return node.streams.contains(own_stream); });
    server.pause();
    await(context, [&] { return !node.is_connected; });
    server.go_on();
    await(context, [&] { return node.is_connected; });
    CHECK(node.facts().connections == 2);
}

TEST_CASE("a place behind the end of the log, and one that is gone, lose the consumer") {
    NatsServer server;
    boost::asio::io_context context;
    Node node(context, access_to(server), 0);
    await(context, [&] { return node.streams.contains(own_stream); });
    node.act([](Broker& broker) {
        broker.consume(own_stream, 1000);
        broker.publish(1, "one");
    });
    await(context, [&] { return !node.lost.empty(); });
    CHECK(node.payloads.empty());
}

TEST_CASE("a second node of one number is not heard of, and takes it when it is free") {
    NatsServer server;
    boost::asio::io_context context;
    auto first = std::make_unique<Node>(context, access_to(server), 0);
    await(context, [&] { return first->is_connected; });
    Node second(context, access_to(server), 0);
    await(context, [&] { return !second.lines.empty(); });
    CHECK(
        second.lines.front() ==
        "another node is node 0 of the cluster test, at the test: each needs a number of its own");
    CHECK_FALSE(second.is_connected);
    CHECK(first->is_connected);
    first.reset();
    await(context, [&] { return second.is_connected; });
    CHECK(second.facts().connections == 1);
    CHECK(second.lines.size() == 2);
}

TEST_CASE("what comes to its turn after a link's end is not done") {
    boost::asio::io_context context;
    const boost::asio::ip::tcp::endpoint somewhere(boost::asio::ip::address_v4::loopback(), 0);
    boost::asio::ip::tcp::acceptor no_broker(context, somewhere);
    BrokerAccess access;
    access.servers = {"nats://127.0.0.1:" + std::to_string(no_broker.local_endpoint().port())};
    {
        const Node node(context, access, 0);
        no_broker.accept().close();
    }
    // That this was no broker, the dialler has told to a link that is gone.
    CHECK(context.poll() > 0);
}

TEST_CASE("nobody comes in without the password, and with it the node does") {
    NatsServer server("authorization { user: node, password: right }");
    const auto file = [&](const char* name, const char* password) {
        const auto path = server.folder() + "/" + name;
        std::ofstream(path) << password << "\n";
        return path;
    };
    boost::asio::io_context context;
    Node stranger(context, access_to(server), 0);
    auto wrong_access = access_to(server);
    wrong_access.user = "node";
    wrong_access.password_file = file("wrong", "wrong");
    Node wrong(context, wrong_access, 1);
    auto right_access = wrong_access;
    right_access.password_file = file("right", "right");
    Node right(context, right_access, 2);
    await(context, [&] { return right.is_connected; });
    await(context, [&] { return !stranger.lines.empty() && !wrong.lines.empty(); });
    CHECK_FALSE(stranger.is_connected);
    CHECK_FALSE(wrong.is_connected);
    CHECK(wrong.lines.front().find("Authorization") != std::string::npos);
    CHECK(wrong.lines.front().find("wrong\n") == std::string::npos);
}

}  // namespace twincached::broker

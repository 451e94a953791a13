#include "replication/nats/jetstream/jetstream_broker.hpp"

#include "lib/json.hpp"
#include "test/unit/replication/nats/jetstream/fake_wire.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace twincached::replication::nats {
namespace {

using std::chrono::milliseconds;

// Notes every event as a line.
class Notes final : public BrokerEvents {
  public:
    void connected(std::size_t payload) override { add("connected", std::to_string(payload)); }
    void disconnected(std::string_view why) override { add("disconnected", why); }
    void stream_is(StreamId stream, const StreamState& state) override {
        add("stream " + std::to_string(stream),
            std::to_string(state.first) + "-" + std::to_string(state.last));
    }
    void no_stream(StreamId stream, std::string_view why) override {
        add("no stream " + std::to_string(stream), why);
    }
    void published(Token token, Sequence sequence) override {
        add("published " + std::to_string(token), std::to_string(sequence));
    }
    void not_published(Token token, std::string_view why) override {
        add("not published " + std::to_string(token), why);
    }
    void delivered(const Delivery& delivery) override {
        add("delivered " + std::to_string(delivery.sequence), delivery.payload);
    }
    void reading(StreamId stream) override { add("reading " + std::to_string(stream), {}); }
    void consumer_lost(StreamId, std::string_view why) override { add("lost", why); }
    void asked(std::string_view subject, std::string_view payload, std::string_view to) override {
        add("asked " + std::string(subject), std::string(payload) + "@" + std::string(to));
    }
    void answered(Token token, std::string_view payload, std::string_view to) override {
        add("answered " + std::to_string(token), std::string(payload) + "@" + std::string(to));
    }
    void not_answered(Token token, std::string_view why) override {
        add("not answered " + std::to_string(token), why);
    }
    void told(std::string_view subject, std::string_view payload) override {
        add("told " + std::string(subject), payload);
    }

    std::vector<std::string> take() { return std::exchange(lines_, {}); }

  private:
    void add(std::string what, std::string_view rest) {
        lines_.push_back(std::move(what) + ": " + std::string(rest));
    }
    std::vector<std::string> lines_;
};

using Lines = std::vector<std::string>;

const std::string look_here = "$JS.API.STREAM.INFO.MC_web";
const std::string create_stream = "$JS.API.STREAM.CREATE.MC_web";
const std::string create_consumer = "$JS.API.CONSUMER.CREATE.MC_web";

const std::string missing = R"({"error":{"code":404,"description":"stream not found"}})";

std::string stream_at(const std::string& created, const std::string& description = {}) {
    return R"({"created":")" + created + R"(","config":{"description":")" + description +
           R"("},"state":{"messages":3,"first_seq":1,"last_seq":3}})";
}

struct Room {
    explicit Room(Names names = {"web", "", "MC_web", "", 0})
        : broker(JetStreamBroker::Settings{std::move(names), {}}) {
        broker.attach(notes);
        broker.on_connected(wire, 1000, "_INBOX.me", at);
        const auto asked = wire.sent.back().subject;
        CHECK(notes.take().empty());
        answer(asked, {}, status_no_responders);  // nobody has its number
        CHECK(notes.take() == std::vector<std::string>{"connected: 1000"});
        wire.sent.clear();
    }

    // The broker's answer to the last request that was sent to this subject.
    void answer(const std::string& subject, const std::string& payload, int status = 0) {
        const auto found = std::find_if(wire.sent.rbegin(), wire.sent.rend(),
                                        [&](const auto& one) { return one.subject == subject; });
        REQUIRE(found != wire.sent.rend());
        const auto reply = found->reply;
        WireMessage message;
        message.channel = 1;
        message.subject = reply;
        message.payload = payload;
        message.status = status;
        broker.on_message(message, at);
    }
    Channel consumer_channel() const {
        for (const auto& [channel, subject] : wire.heard)
            if (subject == "_INBOX.me." + std::to_string(channel)) return channel;
        return 0;
    }
    void deliver(std::uint64_t sequence, std::uint64_t number, const std::string& payload = "x") {
        const auto reply = "$JS.ACK.MC_web.Bq.1." + std::to_string(sequence) + "." +
                           std::to_string(number) + ".1795936919000000000.0";
        WireMessage message;
        message.channel = consumer_channel();
        message.subject = "mc.web.1";
        message.reply = reply;
        message.payload = payload;
        broker.on_message(message, at);
    }
    void control(std::string_view reply, std::string_view last) {
        WireMessage message;
        message.channel = consumer_channel();
        message.reply = reply;
        message.status = status_control;
        message.last_consumed = last;
        broker.on_message(message, at);
    }
    // A consumer from 4 on, which the broker has made.
    void consume() {
        broker.consume(own_stream, 4);
        CHECK(notes.take().empty());
        answer(create_consumer, R"({"name":"Bq"})");
        CHECK(notes.take() == Lines{"reading 0: "});
    }
    void wait(milliseconds time) {
        at += time;
        broker.on_timer(at);
    }

    milliseconds at{1000};
    FakeWire wire;
    Notes notes;
    JetStreamBroker broker;
};

}  // namespace

TEST_CASE("a stream that is there is told, and one that is not is created") {
    Room room;
    room.broker.look(own_stream);
    room.broker.look(own_stream);
    CHECK(room.wire.sent.size() == 1);
    SECTION("it is there") {
        room.answer(look_here, stream_at("2026-11-29T07:21:59Z"));
    }
    SECTION("it is not") {
        room.answer(look_here, missing);
        CHECK(room.notes.take().empty());
        room.answer(create_stream, stream_at("2026-11-29T07:21:59Z"));
        CHECK(room.notes.take().empty());
        room.answer(look_here, stream_at("2026-11-29T07:21:59Z"));
    }
    CHECK(room.notes.take() == Lines{"stream 0: 1-3"});
}

TEST_CASE("a stream that was there is not made again at once") {
    Room room;
    room.broker.look(own_stream);
    room.answer(look_here, stream_at("2026-11-29T07:21:59Z"));
    CHECK(room.notes.take() == Lines{"stream 0: 1-3"});
    room.broker.look(own_stream);
    room.answer(look_here, missing);
    room.wire.sent.clear();
    room.wait(milliseconds(199));
    CHECK(room.wire.sent.empty());
    room.wait(milliseconds(1));
    room.answer(look_here, missing);
    CHECK(room.wire.sent.back().subject == create_stream);
}

TEST_CASE("a stream of which another time of creation is told a second later is looked for anew") {
    Room room;
    const auto look = [&] {
        room.broker.look(own_stream);
        room.answer(look_here, stream_at("2026-11-29T07:21:59.740Z"));
        CHECK(room.notes.take() == Lines{"stream 0: 1-3"});
        room.wire.sent.clear();
        CHECK(room.broker.deadline() == room.at + milliseconds(1000));
        room.wait(milliseconds(1000));
    };
    look();
    room.answer(look_here, stream_at("2026-11-29T07:21:59.740Z"));
    CHECK(room.notes.take().empty());
    CHECK_FALSE(room.broker.deadline());
    look();
    room.answer(look_here, stream_at("2026-11-29T07:21:59.716Z"));
    CHECK(room.notes.take() == Lines{"lost: it is told otherwise by now"});
    look();
    room.broker.look(own_stream);  // that one tells it
    room.answer(look_here, stream_at("2026-11-29T07:21:59.716Z"));
    CHECK(room.notes.take() == Lines{"stream 0: 1-3"});
}

TEST_CASE("two nodes that create a stream at once both find it") {
    Room room;
    room.broker.look(own_stream);
    room.answer(look_here, missing);
    room.answer(create_stream,
                R"({"error":{"code":400,"description":"stream name already in use"}})");
    CHECK(room.notes.take().empty());
    room.answer(look_here, stream_at("2026-11-29T07:21:59Z"));
    CHECK(room.notes.take() == Lines{"stream 0: 1-3"});
}

TEST_CASE("a look that nobody answers ends, and another can begin") {
    Room room;
    room.broker.look(own_stream);
    room.wait(milliseconds(1999));
    CHECK(room.notes.take().empty());
    room.wait(milliseconds(1));
    CHECK(room.notes.take() == Lines{"no stream 0: the broker does not answer"});
    room.broker.look(own_stream);
    CHECK(room.wire.sent.size() == 2);
    room.answer(look_here, "", status_no_responders);
    CHECK(room.notes.take() ==
          Lines{"no stream 0: JetStream is not there, or elects a leader (503)"});
}

TEST_CASE("who asks a domain that nobody has is told its name") {
    Room room({"web", "", "MC_web", "hub", 0});
    room.broker.look(own_stream);
    room.answer("$JS.hub.API.STREAM.INFO.MC_web", "", status_no_responders);
    CHECK(room.notes.take() ==
          Lines{"no stream 0: JetStream is not there, or elects a leader, or its domain is not "
                "called hub (503)"});
}

TEST_CASE("a publication is told once: stored, refused, or not answered") {
    Room room;
    const std::string subject = "mc.web.0";
    room.broker.publish(7, "batch");
    CHECK(room.wire.sent.back().payload == "batch");
    CHECK(room.wire.sent.back().reply == "_INBOX.me.p.7");
    room.answer(subject, R"({"stream":"MC_web","seq":9})");
    room.answer(subject, R"({"stream":"MC_web","seq":9})");
    CHECK(room.notes.take() == Lines{"published 7: 9"});
    room.broker.publish(8, "batch");
    room.answer(subject, "", status_no_responders);
    CHECK(room.notes.take() ==
          Lines{"not published 8: JetStream is not there, or elects a leader (503)"});
    room.broker.publish(9, "batch");
    room.wait(milliseconds(2000));
    room.answer(subject, R"({"stream":"MC_web","seq":10})");
    CHECK(room.notes.take() == Lines{"not published 9: the broker does not answer"});
    room.broker.publish(10, "batch");
    room.answer(subject, R"({"stream":"OTHER","seq":10})");
    CHECK(room.notes.take().size() == 1);
}

TEST_CASE("a message longer than the broker takes is not sent, and told after the call") {
    Room room;
    room.broker.publish(1, std::string(1001, 'x'));
    CHECK(room.wire.sent.empty());
    CHECK(room.notes.take().empty());
    CHECK(room.broker.deadline() == room.at);
    room.wait(milliseconds(0));
    CHECK(room.notes.take() == Lines{"not published 1: it is longer than the broker takes"});
    room.broker.publish(2, std::string(1000, 'x'));
    CHECK(room.wire.sent.size() == 1);
}

TEST_CASE("deliveries are told in order, and a number that is missing ends the consumer") {
    Room room;
    room.consume();
    room.deliver(4, 1, "a");
    room.deliver(5, 2, "b");
    CHECK(room.notes.take() == Lines{"delivered 4: a", "delivered 5: b"});
    room.deliver(7, 4, "d");
    CHECK(room.notes.take() == Lines{"lost: deliveries were lost on the way"});
    CHECK(room.wire.sent.back().subject == "$JS.API.CONSUMER.DELETE.MC_web.Bq");
    room.deliver(8, 5, "e");
    CHECK(room.notes.take().empty());
}

TEST_CASE("what the log lacks is left out, and what comes before the place ends the consumer") {
    Room room;
    room.consume();
    room.deliver(6, 1, "c");
    CHECK(room.notes.take() == Lines{"delivered 6: c"});
    room.deliver(5, 2);
    CHECK(room.notes.take() == Lines{"lost: the log does not go on there"});
    room.consume();
    room.deliver(3, 1);
    CHECK(room.notes.take() == Lines{"lost: the log does not go on there"});
}

TEST_CASE("a heartbeat keeps a consumer, tells of lost deliveries, and silence ends it") {
    Room room;
    room.consume();
    room.deliver(4, 1);
    (void)room.notes.take();
    for (int i = 0; i < 5; ++i) {
        room.wait(milliseconds(1000));
        room.control({}, "1");
    }
    CHECK(room.notes.take().empty());
    room.control({}, "2");
    CHECK(room.notes.take() == Lines{"lost: deliveries were lost on the way"});
    room.consume();
    room.wait(milliseconds(1249));
    CHECK(room.notes.take().empty());
    room.wait(milliseconds(1));
    CHECK(room.notes.take() == Lines{"lost: the broker has fallen silent"});
}

TEST_CASE(
    "what others tell is subscribed to once more, and heard over the new subscription alone") {
    Room room;
    const auto subscriptions = room.wire.heard;
    CHECK(room.broker.is_answered());
    room.broker.hear_tellings_again();
    CHECK(room.wire.heard == subscriptions);
    room.broker.on_disconnected("killed");
    CHECK_FALSE(room.broker.is_answered());
}

TEST_CASE("what holds the flow back is answered when all before it was taken") {
    Room room;
    room.consume();
    room.control("$JS.FC.MC_web.Bq.x", {});
    CHECK(room.wire.sent.back().subject == "$JS.FC.MC_web.Bq.x");
    CHECK(room.wire.sent.back().payload.empty());
    CHECK(room.notes.take().empty());
}

TEST_CASE("another place to consume from ends the one before, whatever still comes of it") {
    Room room;
    room.consume();
    const auto before = room.consumer_channel();
    room.broker.consume(own_stream, 50);
    CHECK(room.consumer_channel() != before);
    WireMessage late;
    late.channel = before;
    late.reply = "$JS.ACK.MC_web.Bq.1.4.1.17.0";
    late.payload = "late";
    room.broker.on_message(late, room.at);
    CHECK(room.notes.take().empty());
    room.broker.stop_consuming(own_stream);
    CHECK(room.consumer_channel() == 0);
}

TEST_CASE("a question stays open while it is answered, and ends when nobody is there") {
    Room room;
    room.broker.ask(3, "donor", "anybody?");
    const std::string subject = "mcask.web.donor";
    room.answer(subject, "one");
    room.wait(milliseconds(1500));
    room.answer(subject, "two");
    room.wait(milliseconds(1500));
    CHECK(room.notes.take() == Lines{"answered 3: one@", "answered 3: two@"});
    room.wait(milliseconds(500));
    CHECK(room.notes.take() == Lines{"not answered 3: the broker does not answer"});
    room.broker.ask(4, "donor", "anybody?");
    room.answer(subject, "", status_no_responders);
    CHECK(room.notes.take() == Lines{"not answered 4: nobody listens there"});
}

TEST_CASE("no more is asked at one time than there is room for") {
    Room room;
    for (Token token = 0; token <= Asks::limit; ++token)
        room.broker.ask(token, "donor", "");
    CHECK(room.wire.sent.size() == Asks::limit);
    room.wait(milliseconds(0));
    CHECK(room.notes.take() == Lines{"not answered 256: too much is being asked"});
}

TEST_CASE("nothing of a connection that is gone is told any more") {
    Room room;
    room.consume();
    room.broker.publish(1, "batch");
    room.broker.ask(2, "donor", "anybody?");
    room.broker.on_disconnected("killed");
    CHECK(room.notes.take() == Lines{"disconnected: killed"});
    CHECK_FALSE(room.broker.deadline());
    room.wait(milliseconds(10'000));
    room.broker.publish(3, "batch");
    room.broker.look(own_stream);
    room.broker.on_disconnected("again");
    CHECK(room.notes.take().empty());
}

TEST_CASE("that JetStream says something is another matter than that the server does") {
    Room room;
    CHECK(room.broker.is_answered());
    CHECK_FALSE(room.broker.is_jetstream_heard());
    room.broker.look(own_stream);
    CHECK_FALSE(room.broker.is_jetstream_heard());
    room.answer(look_here, missing);
    CHECK(room.broker.is_jetstream_heard());
    room.broker.on_disconnected("killed");
    CHECK_FALSE(room.broker.is_jetstream_heard());
    room.broker.on_connected(room.wire, 1000, "_INBOX.me", room.at);
    CHECK_FALSE(room.broker.is_jetstream_heard());
}

// At paris, as the node of that number.
struct MirrorRoom : Room {
    explicit MirrorRoom(unsigned node = 0)
        : Room({"web", "paris", "MC_web_paris", "P", node, {{"rome", "R"}}}) {}

    static std::string api(const std::string& what) {
        return "$JS.P.API.STREAM." + what + ".MC_web_rome_AT_paris";
    }
    void look(const std::string& of_origin, int status = 0) {
        broker.look(1);
        answer("$JS.R.API.STREAM.INFO.MC_web_rome", of_origin, status);
        answer(api("INFO"), mirror_of_5);
    }

    const std::string mirror_of_5 =
        stream_at("1970-01-01T00:00:09Z", "twincached: mirrors a stream created at ns 5000000000");
};

TEST_CASE("a mirror whose origin was made anew is made anew, and kept while nobody knows") {
    MirrorRoom room;
    room.look(stream_at("1970-01-01T00:00:05Z"));
    CHECK(room.notes.take() == Lines{"stream 1: 1-3"});
    room.look("", status_no_responders);
    CHECK(room.notes.take() == Lines{"stream 1: 1-3"});
    room.look(stream_at("1970-01-01T00:00:07Z"));
    room.wait(milliseconds(200));
    room.answer(room.api("INFO"), room.mirror_of_5);
    room.answer(room.api("DELETE"), R"({"success":true})");
    CHECK(room.notes.take().empty());
    const auto wanted = boost::json::parse(room.wire.sent.back().payload).as_object();
    CHECK(wanted.at("description") == "twincached: mirrors a stream created at ns 7000000000");
    room.answer(room.api("CREATE"), stream_at("1970-01-01T00:00:10Z"));
    room.answer(room.api("INFO"), stream_at("1970-01-01T00:00:10Z"));
    CHECK(room.notes.take() == Lines{"stream 1: 1-3"});
}

TEST_CASE("of a site's nodes one makes a mirror anew, and the others find it") {
    MirrorRoom room(2);
    room.look(stream_at("1970-01-01T00:00:07Z"));
    room.wire.sent.clear();
    room.wait(milliseconds(599));
    CHECK(room.wire.sent.empty());
    CHECK(room.broker.deadline() == room.at + milliseconds(1));
    room.wait(milliseconds(1));
    SECTION("it was made meanwhile") {
        room.answer(room.api("INFO"),
                    stream_at("1970-01-01T00:00:10Z",
                              "twincached: mirrors a stream created at ns 7000000000"));
        CHECK(room.notes.take() == Lines{"stream 1: 1-3"});
        CHECK(room.wire.sent.size() == 1);
    }
    SECTION("nobody else was there") {
        room.answer(room.api("INFO"), room.mirror_of_5);
        CHECK(room.wire.sent.back().subject == room.api("DELETE"));
    }
}

std::string origin_from(int first, int last) {
    return R"({"created":"1970-01-01T00:00:05Z","config":{},"state":{"messages":)" +
           std::to_string(last + 1 - first) + R"(,"first_seq":)" + std::to_string(first) +
           R"(,"last_seq":)" + std::to_string(last) + "}}";
}

TEST_CASE("a mirror that copies nothing for half a minute, though there is more, is made anew") {
    MirrorRoom room;
    room.look(origin_from(1, 4));
    room.wait(milliseconds(29'999));
    room.look(origin_from(1, 5));
    room.notes.take();
    room.wait(milliseconds(1));
    room.look(origin_from(1, 5));
    room.wait(milliseconds(200));
    room.answer(room.api("INFO"), room.mirror_of_5);
    CHECK(room.wire.sent.back().subject == room.api("DELETE"));
    CHECK(room.notes.take().empty());
}

TEST_CASE("a mirror to which nothing more was to be copied meanwhile is good as it is") {
    MirrorRoom room;
    room.look(origin_from(1, 4));
    room.wait(milliseconds(29'999));
    SECTION("it had come to the end") {
        room.look(origin_from(1, 3));
    }
    SECTION("its origin has forgotten what it lacks") {
        room.look(origin_from(6, 5));
    }
    room.wait(milliseconds(1));
    room.notes.take();
    room.look(origin_from(1, 5));
    CHECK(room.notes.take() == Lines{"stream 1: 1-3"});
}

}  // namespace twincached::replication::nats

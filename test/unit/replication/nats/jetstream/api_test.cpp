#include "replication/nats/jetstream/api.hpp"

#include "lib/json.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace twincached::replication::nats {
namespace {

std::string info_with(const std::string& state, const std::string& config = R"({"name":"MC_t"})") {
    return R"({"created":"2026-11-29T07:21:59.37Z","config":)" + config + R"(,"state":)" + state +
           "}";
}

}  // namespace

TEST_CASE("a stream's answer tells when it was created and what it keeps") {
    const auto info = read_stream_info(info_with(
        R"({"messages":3,"first_seq":5,"last_seq":7,"last_ts":"1970-01-01T00:01:00.5Z"})"));
    REQUIRE(info.has_value());
    CHECK(info->state.last_ms == 60'500);
    CHECK(info->state.created == 1795936919370000000);
    CHECK(info->state.first == 5);
    CHECK(info->state.last == 7);
    CHECK(info->state.origin_created == info->state.created);
}

TEST_CASE("a stream's answer tells what somebody has set it to") {
    const auto info = read_stream_info(info_with(
        R"({"messages":0,"first_seq":0,"last_seq":0})",
        R"({"subjects":["a.*","b",7],"retention":"interest","max_age":60000000000,"sealed":true,)"
        R"("max_msgs_per_subject":2,"max_consumers":-1,"discard":"new","no_ack":true,)"
        R"("max_msg_size":20000,"max_msgs":5,"max_bytes":300})"));
    REQUIRE(info.has_value());
    CHECK(info->state.max_message == 20'000);
    CHECK(info->traits.subjects == std::vector<std::string>{"a.*", "b"});
    CHECK(info->traits.retention == "interest");
    CHECK(info->traits.max_age == std::chrono::seconds(60));
    CHECK(info->traits.per_subject == 2);
    CHECK(info->traits.max_messages == 5);
    CHECK(info->traits.max_bytes == 300);
    CHECK(info->traits.max_consumers == 0);
    CHECK((info->traits.discards_new && info->traits.is_sealed && info->traits.has_no_ack));
    CHECK_FALSE(info->traits.is_mirror);
}

TEST_CASE("of a stream that keeps nothing the first message is the one to come") {
    for (const auto& [text, last] :
         {std::pair(R"({"messages":0,"first_seq":0,"last_seq":0})", 0U),
          std::pair(R"({"messages":0,"first_seq":8,"last_seq":7})", 7U)}) {
        const auto info = read_stream_info(info_with(text));
        REQUIRE(info.has_value());
        CHECK(info->state.first == last + 1);
        CHECK(info->state.last == last);
        CHECK(info->state.last_ms == 0);
    }
}

TEST_CASE("an answer whose numbers make no sense is an error, never a guess") {
    const std::vector<std::string> senseless = {
        "",
        "[]",
        "{",
        R"({"created":"2026-11-29T07:21:59Z"})",
        info_with("{}"),
        info_with(R"({"messages":1,"first_seq":-1,"last_seq":1})"),
        info_with(R"({"messages":1,"first_seq":1.5,"last_seq":2})"),
        info_with(R"({"messages":1,"first_seq":"1","last_seq":2})"),
        info_with(R"({"messages":1,"first_seq":18446744073709551615,"last_seq":2})"),
        info_with(R"({"messages":1,"first_seq":9,"last_seq":2})"),
        info_with(R"({"messages":1,"first_seq":0,"last_seq":2})"),
        R"({"created":"yesterday","state":{"messages":0,"first_seq":0,"last_seq":0}})",
        R"({"error":"no"})",
        R"({"error":{"code":1000000,"description":"x"}})",
        std::string(3 << 20, ' '),
    };
    for (const auto& text : senseless) {
        CAPTURE(text.substr(0, 100));
        const auto info = read_stream_info(text);
        REQUIRE(info.has_error());
        CHECK(info.error().code == 0);
        CHECK_FALSE(info.error().why.empty());
    }
}

TEST_CASE("a refusal keeps its code and its words") {
    const auto missing = read_stream_info(
        R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})");
    REQUIRE(missing.has_error());
    CHECK(missing.error().code == 404);
    CHECK(missing.error().why == "stream not found");
}

TEST_CASE("a publication counts when it went into our stream, with a sequence") {
    CHECK(*read_publish_ack(R"({"stream":"MC_t", "seq":12})", "MC_t") == 12);
    CHECK(*read_publish_ack(R"({"stream":"MC_t","seq":12,"duplicate":true})", "MC_t") == 12);
    for (const auto* text :
         {R"({"stream":"MC_x","seq":12})", R"({"stream":"MC_t","seq":0})", R"({"stream":"MC_t"})",
          R"({"seq":12})", R"({"error":{"code":503,"description":"insufficient resources"}})"}) {
        CAPTURE(text);
        CHECK(read_publish_ack(text, "MC_t").has_error());
    }
}

TEST_CASE("what is asked for is what the broker reads") {
    const StreamSettings settings{3, Storage::memory, std::chrono::minutes(5), 1 << 20};
    const auto stream = boost::json::parse(stream_request("MC_t", "mc.t.*", settings)).as_object();
    CHECK(stream.at("name") == "MC_t");
    CHECK(stream.at("subjects").as_array().front() == "mc.t.*");
    CHECK(stream.at("max_age") == 300'000'000'000);
    CHECK(stream.at("max_bytes") == 1 << 20);
    CHECK(stream.at("storage") == "memory");
    CHECK(stream.at("num_replicas") == 3);
    const auto consumer =
        boost::json::parse(consumer_request("MC_t", {"_INBOX.x.16", 0, std::chrono::seconds(1)}));
    const auto& config = consumer.as_object().at("config").as_object();
    CHECK(config.at("opt_start_seq") == 1);
    CHECK(config.at("ack_policy") == "none");
    CHECK(config.at("flow_control") == true);
    CHECK(config.at("idle_heartbeat") == 1'000'000'000);
}

TEST_CASE("a mirror remembers when its origin was created") {
    const auto text = mirror_request("MC_t_b_AT_a", {"MC_t_b", "B", 1795936919370000000}, {});
    const auto config = boost::json::parse(text).as_object();
    CHECK(config.at("mirror").as_object().at("external").as_object().at("api") == "$JS.B.API");
    CHECK_FALSE(config.contains("subjects"));
    const auto info =
        read_stream_info(info_with(R"({"messages":0,"first_seq":0,"last_seq":0})", text));
    REQUIRE(info.has_value());
    CHECK(info->state.origin_created == 1795936919370000000);
}

TEST_CASE("the place of a delivery is read from both forms of its reply subject") {
    for (const auto* text : {"$JS.ACK.MC_t.BqSfcJgj.1.7.3.1795936919438422750.42",
                             "$JS.ACK._.ACC.MC_t.Bq.1.7.3.1795936919438422750.42",
                             "$JS.ACK.D.ACC.MC_t.Bq.1.7.3.1795936919438422750.42.rnd"}) {
        CAPTURE(text);
        const auto place = read_place(text);
        REQUIRE(place);
        CHECK(place->stream == "MC_t");
        CHECK(place->sequence == 7);
        CHECK(place->number == 3);
        CHECK(place->time_ns == 1795936919438422750);
        CHECK(place->pending == 42);
    }
}

TEST_CASE("a reply subject that is none of a delivery has no place") {
    for (const auto* text :
         {"", "$JS.ACK", "_INBOX.a.b", "$JS.ACK.s.c.1.7.3.17", "$JS.ACK.s.c.1.0.3.17.42",
          "$JS.ACK.s.c.1.7.0.17.42", "$JS.ACK.s.c.1.-7.3.17.42", "$JS.ACK.s.c.1.7.3.-17.42",
          "$JS.ACK.s.c.1.7.3.17.x", "$JS.ACK.s.c.1.18446744073709551615.3.17.42",
          "$JS.ACK.s.c.1.99999999999999999999.3.17.42", "$JS.ACK.s.c.1.7.3.17.42.",
          "$JS.ACK.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15"}) {
        CAPTURE(text);
        CHECK_FALSE(read_place(text));
    }
}

TEST_CASE("times of creation are read to the nanosecond, and nothing else is taken for one") {
    CHECK(read_time("1970-01-01T00:00:00Z") == 0);
    CHECK(read_time("1970-01-01T00:00:01.5Z") == 1'500'000'000);
    CHECK(read_time("2026-11-29T07:21:59.370708115Z") == 1795936919370708115);
    for (const auto* text :
         {"", "Z", "2026-11-29", "2026-11-29T07:21:59", "2026-13-29T07:21:59Z",
          "2026-02-30T07:21:59Z", "2026-11-29T24:21:59Z", "1969-12-31T23:59:59Z",
          "2300-01-01T00:00:00Z", "2026-11-29T07:21:59.Z", "2026-11-29T07:21:59.1234567890Z",
          "2026-11-29 07:21:59Z", "2026-11-29T07:21:59.37+02Z", "0001-01-01T00:00:00Z"}) {
        CAPTURE(text);
        CHECK_FALSE(read_time(text));
    }
}

}  // namespace twincached::replication::nats

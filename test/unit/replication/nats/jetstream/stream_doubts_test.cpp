#include "replication/nats/jetstream/stream_doubts.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace twincached::replication::nats {
namespace {

using std::chrono::seconds;

StreamTraits as_a_node_makes_it() {
    StreamTraits traits;
    traits.subjects = {"mc.web.*"};
    traits.retention = "limits";
    traits.max_age = seconds(300);
    return traits;
}

const StreamNeeds of_origin{"mc.web.*", seconds(60), 4};
const StreamNeeds of_mirror{"", seconds(60), 4};

}  // namespace

TEST_CASE("a stream that a node would make, and one that keeps more, leave no doubt") {
    auto traits = as_a_node_makes_it();
    CHECK(doubts_of(traits, of_origin).empty());
    traits.subjects = {"other", "mc.>"};
    traits.max_age = seconds(0);
    traits.max_consumers = 4;
    traits.max_messages = 4000;
    traits.max_bytes = 1U << 20;
    CHECK(doubts_of(traits, of_origin).empty());
    traits.subjects.clear();
    traits.is_mirror = true;
    CHECK(doubts_of(traits, of_mirror).empty());
}

TEST_CASE("each setting with which the cluster suffers is named by NATS' own word") {
    using Spoils = std::function<void(StreamTraits&)>;
    const std::vector<std::pair<std::string, Spoils>> all{
        {"subjects",
         [](auto& traits) {
             traits.subjects = {"mc.other.*", "mc.web"};
         }},
        {"copies another", [](auto& traits) { traits.is_mirror = true; }},
        {"sealed", [](auto& traits) { traits.is_sealed = true; }},
        {"no_ack", [](auto& traits) { traits.has_no_ack = true; }},
        {"discard", [](auto& traits) { traits.discards_new = true; }},
        {"retention", [](auto& traits) { traits.retention = "workqueue"; }},
        {"retention", [](auto& traits) { traits.retention = "interest"; }},
        {"max_msgs_per_subject", [](auto& traits) { traits.per_subject = 1; }},
        {"(max_msgs)", [](auto& traits) { traits.max_messages = 3999; }},
        {"max_bytes", [](auto& traits) { traits.max_bytes = (1U << 20) - 1; }},
        {"max_age", [](auto& traits) { traits.max_age = seconds(59); }},
        {"max_consumers", [](auto& traits) { traits.max_consumers = 3; }},
    };
    for (const auto& [word, spoil] : all) {
        auto traits = as_a_node_makes_it();
        spoil(traits);
        CAPTURE(word);
        const auto doubts = doubts_of(traits, of_origin);
        CHECK(doubts.find(word) != std::string::npos);
        CHECK(doubts.find(';') == std::string::npos);
    }
}

TEST_CASE("a pattern of subjects covers what it delivers, and no more") {
    CHECK(covers("mc.web.*", "mc.web.*"));
    CHECK(covers("mc.*.*", "mc.web.*"));
    CHECK(covers(">", "mc.web.*"));
    CHECK(covers("mc.web.>", "mc.web.*"));
    CHECK_FALSE(covers("mc.web.0", "mc.web.*"));
    CHECK_FALSE(covers("mc.web", "mc.web.*"));
    CHECK_FALSE(covers("mc.web.*.*", "mc.web.*"));
    CHECK_FALSE(covers("mc.web.>", "mc.web"));
    CHECK_FALSE(covers("", "mc.web.*"));
    CHECK_FALSE(covers("mc.*", "mc.>"));
}

}  // namespace twincached::replication::nats

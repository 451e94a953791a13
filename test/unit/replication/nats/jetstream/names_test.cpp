#include "replication/nats/jetstream/names.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::replication::nats {
namespace {

const Names one_site{"web", "", "MC_web", "", 2};
const Names two_sites{"web", "paris", "MC_web_paris", "P", 1, {{"rome", "R"}}};

}  // namespace

TEST_CASE("each node has a subject of its own below its stream's") {
    CHECK(subjects_of_stream(one_site) == "mc.web.*");
    CHECK(subject_of_node(one_site) == "mc.web.2");
    CHECK(subjects_of_stream(two_sites) == "mc.web.paris.*");
    CHECK(subject_of_node(two_sites) == "mc.web.paris.1");
    CHECK(stream_of("web", "") == "MC_web");
    CHECK(mirror_of(two_sites, two_sites.others.front()) == "MC_web_rome_AT_paris");
}

TEST_CASE("what is asked and told is the cluster's, at all of its sites") {
    CHECK(asking_subject(two_sites, "donor") == "mcask.web.donor");
    CHECK(telling_subject(one_site, "hint") == "mctell.web.hint");
    CHECK(asked_subject(one_site, "mcask.web.node.3") == "node.3");
    CHECK(told_subject(one_site, "mctell.web.hint") == "hint");
    for (const auto* other : {"mcask.web", "mcask.web.", "mcask.other.donor", "mctell.web.donor",
                              "mcask.webber.donor", "mcaskweb.donor", ""}) {
        CAPTURE(other);
        CHECK(asked_subject(one_site, other).empty());
    }
}

TEST_CASE("JetStream is asked at the domain's own subjects") {
    CHECK(api_subject("", "STREAM.INFO", "MC_x") == "$JS.API.STREAM.INFO.MC_x");
    CHECK(api_subject("hub", "STREAM.INFO", "MC_x") == "$JS.hub.API.STREAM.INFO.MC_x");
}

TEST_CASE("a name is what may stand between the dots of a subject") {
    CHECK(is_name("web-1_B"));
    CHECK(is_name(std::string(64, 'x')));
    for (const auto& text :
         {std::string(), std::string(65, 'x'), std::string("a.b"), std::string("a b"),
          std::string("*"), std::string("a>"), std::string("caf\xc3\xa9"), std::string("a\r\n")}) {
        CAPTURE(text);
        CHECK_FALSE(is_name(text));
    }
}

}  // namespace twincached::replication::nats

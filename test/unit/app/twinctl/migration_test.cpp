#include "app/twinctl/migration/migration.hpp"
#include "app/twinctl/arguments.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached::app;

namespace {

MigrationFacts facts(std::string legacy, bool applies = true) {
    return {.has_peer = true, .legacy = std::move(legacy), .applies = applies, .peer = "a:11212"};
}

unsigned step_of(const MigrationFacts& facts) {
    return migration_step(facts).number;
}

}  // namespace

TEST_CASE("the step of a migration follows from what the node says of its link") {
    CHECK(step_of({}) == 0);
    CHECK(step_of(facts("off")) == 0);
    CHECK(step_of(facts("waiting")) == 1);
    CHECK(step_of(facts("filling")) == 2);
    auto linked = facts("linked");
    linked.dumps_received = 1;
    CHECK(step_of(linked) == 2);
    linked.dumps_received = 2;
    CHECK(step_of(linked) == 3);
    linked.applies = false;
    CHECK(step_of(linked) == 4);
    CHECK(step_of(facts("waiting", false)) == 4);
    auto paired = facts("waiting", false);
    paired.is_paired = true;
    CHECK(step_of(paired) == 5);
    paired.legacy = "off";
    CHECK(step_of(paired) == 6);
}

TEST_CASE("each step of a migration says what is next, and the way back where there is one") {
    for (const auto* legacy : {"off", "waiting", "filling", "linked"}) {
        for (const bool applies : {true, false}) {
            const auto step = migration_step(facts(legacy, applies));
            CAPTURE(legacy, applies);
            CHECK_FALSE(step.reached.empty());
            CHECK_FALSE(step.next.empty());
        }
    }
    auto linked = facts("linked", false);
    const auto screen = migration_screen("b:11280", migration_step(linked));
    CHECK(screen.find("b:11280: step 4 of 6: ") == 0);
    CHECK(screen.find("next: stop the repcached at a:11212") != std::string::npos);
    CHECK(screen.find("way back: move the clients back") != std::string::npos);
    CHECK(migration_json("b", migration_step(linked)).at("step").to_number<int>() == 4);
}

TEST_CASE("a node that has the repcached's data when that dies is never to be stopped") {
    for (const unsigned dumps : {1U, 2U}) {
        auto orphan = facts("waiting");
        orphan.dumps_received = dumps;
        const auto step = migration_step(orphan);
        CAPTURE(dumps);
        CHECK(step.number == dumps + 1);
        CHECK(step.reached.find("this node has its data") != std::string::npos);
        CHECK(step.next.find("start the repcached at a:11212 with -x") == 0);
        CHECK(step.next.find("without -x it is empty") != std::string::npos);
        CHECK(step.back.find("start the repcached at a:11212 with -x") == 0);
        CHECK(step.back.find("stop") == std::string::npos);
    }
}

TEST_CASE("what a node holds counts in a migration though no dump does") {
    auto restarted = facts("waiting");
    restarted.items = 1000;
    const auto waiting = migration_step(restarted);
    CHECK(waiting.number == 1);
    CHECK(waiting.reached.find("this node holds 1000 items") != std::string::npos);
    CHECK(waiting.back.find("stop this node") == std::string::npos);
    restarted.legacy = "off";
    const auto off = migration_step(restarted);
    CHECK(off.number == 0);
    CHECK(off.reached.find("it holds 1000 items") != std::string::npos);
    CHECK(off.next.find("set legacy = yes") != std::string::npos);
    CHECK(off.back.find("with -x") != std::string::npos);
}

TEST_CASE(
    "while a repcached that came back is filled, nobody is told to stop the node that fills") {
    auto donor = facts("filling");
    donor.dumps_received = 1;
    CHECK(migration_step(donor).back.empty());
    CHECK_FALSE(migration_step(facts("filling")).back.empty());
}

TEST_CASE("migrate has one word, and says so") {
    CHECK(parse_arguments({"migrate", "status"})->command == "migrate");
    CHECK(parse_arguments({"migrate"}).error().find("migrate status") != std::string::npos);
    CHECK(parse_arguments({"migrate", "now"}).has_error());
    CHECK(parse_arguments({"migrate", "status", "more"}).has_error());
}

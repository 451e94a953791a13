#include "app/endpoint/answers.hpp"

#include "app/endpoint/agent_line.hpp"
#include "lib/json.hpp"
#include "test/unit/app/endpoint/fake_node.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace twincached::app {
namespace {

using replication::Access;
using replication::pair::LinkState;
using replication::pair::name_of;
using replication::pair::PairReport;
using replication::pair::Role;
using replication::pair::Serving;
using test::FakeNode;

unsigned status_of(const FakeNode& node, std::string_view target) {
    return node.ask(target).status;
}

boost::json::object status_page_of(const FakeNode& node) {
    return boost::json::parse(node.ask("/status").body).as_object();
}

std::string told(const FakeNode& node, std::string_view member) {
    return std::string(status_page_of(node).at(member).as_string());
}

// Every state that the link machine knows, by its number.
std::vector<LinkState> all_link_states() {
    std::vector<LinkState> states;
    for (int number = 0; !name_of(static_cast<LinkState>(number)).empty(); ++number)
        states.push_back(static_cast<LinkState>(number));
    return states;
}

PairReport report_of(LinkState state) {
    PairReport report;
    report.peer = "host-b:11212";
    report.link.state = state;
    report.link.last_refusal = "the secrets of the two nodes differ";
    return report;
}

}  // namespace

TEST_CASE("a process that lives is healthy, and nothing is asked for it") {
    const auto see = []() -> Standing {
        FAIL("healthz asked how the node stands");
        return {};
    };
    const auto tell = [](lib::FigureVisitor) { FAIL("healthz asked for figures"); };
    const auto act = [](const Action&) -> Verdict {
        FAIL("healthz did something");
        return {};
    };
    const auto nothing = []() -> std::string { return {}; };
    const auto no_lines = [](std::uint64_t) -> std::string { return {}; };
    const auto answered = answer({"GET", "/healthz"}, {see, tell, nothing, no_lines, act});
    CHECK(answered.status == 200);
    CHECK(answered.body == "alive\n");
}

TEST_CASE("a node is ready from when its client port opens until it stops") {
    auto node = FakeNode::linked();
    CHECK(status_of(node, "/readyz") == 200);
    node.standing.open_for.reset();
    CHECK(status_of(node, "/readyz") == 503);
    node.standing.open_for = std::chrono::seconds(0);
    CHECK(status_of(node, "/readyz") == 200);
    node.standing.is_stopping = true;
    CHECK(status_of(node, "/readyz") == 503);
}

TEST_CASE("a node that has lost its peer is ready, unless its policy has closed it") {
    auto node = FakeNode::linked();
    node.standing.state = "CONNECTING";
    CHECK(status_of(node, "/readyz") == 200);
    node.standing.access = "read-only";
    CHECK(status_of(node, "/readyz") == 200);
    CHECK(node.ask("/readyz").body.find("ready for reads alone") == 0);
    node.standing.access = "closed";
    CHECK(status_of(node, "/readyz") == 503);
    CHECK(node.ask("/readyz").body.find("on-split") != std::string::npos);
}

TEST_CASE("exactly one of primary and secondary is answered with 200 by a node that is ready") {
    auto node = FakeNode::linked();
    CHECK(status_of(node, "/primary") == 200);
    CHECK(status_of(node, "/secondary") == 503);
    node.standing.role = "secondary";
    CHECK(status_of(node, "/primary") == 503);
    CHECK(status_of(node, "/secondary") == 200);
    node.standing.open_for.reset();
    CHECK(status_of(node, "/primary") == 503);
    CHECK(status_of(node, "/secondary") == 503);
}

TEST_CASE("a node without a peer is a primary, and never synchronised") {
    FakeNode node;
    node.standing.state = "STANDALONE";
    node.standing.open_for = std::chrono::seconds(1);
    CHECK(status_of(node, "/readyz") == 200);
    CHECK(status_of(node, "/primary") == 200);
    CHECK(status_of(node, "/secondary") == 503);
    CHECK(status_of(node, "/synchronised") == 503);
}

TEST_CASE("each node of a cluster is as good as the primary, and says that there is none") {
    auto node = FakeNode::linked();
    node.standing.role.clear();
    node.standing.peer = "the cluster web";
    CHECK(status_of(node, "/primary") == 200);
    CHECK(node.ask("/primary").body.find("a cluster has no primary") != std::string::npos);
    CHECK(status_of(node, "/secondary") == 503);
    CHECK(node.ask("/secondary").body.find("a cluster has no secondary") != std::string::npos);
    node.standing.open_for.reset();
    CHECK(status_of(node, "/primary") == 503);
}

TEST_CASE("synchronised means linked, and no further behind than was asked") {
    auto node = FakeNode::linked();
    node.standing.lag_ms = 100;
    CHECK(status_of(node, "/synchronised") == 200);
    CHECK(status_of(node, "/synchronised?lag=99ms") == 503);
    CHECK(status_of(node, "/synchronised?lag=100ms") == 200);
    CHECK(status_of(node, "/synchronised?lag=1s") == 200);
    node.standing.state = "SYNCING";
    CHECK(status_of(node, "/synchronised") == 503);
    CHECK(status_of(node, "/synchronised?lag=1h") == 503);
}

TEST_CASE("a lag that is no time with its unit is refused") {
    const auto node = FakeNode::linked();
    for (const auto* query : {"lag=", "lag=100", "lag=ms", "lag=-1ms", "lag=1 s", "lag=1ms&x=1",
                              "lag=99999999999999999999s", "Lag=1s", "x", "=", "lag"}) {
        INFO(query);
        CHECK(status_of(node, std::string("/synchronised?") + query) == 400);
    }
    CHECK(status_of(node, "/synchronised?") == 200);
}

TEST_CASE("only what is there is found, and only GET and HEAD are answered") {
    const auto node = FakeNode::linked();
    CHECK(status_of(node, "/") == 200);
    CHECK(status_of(node, "/readyz?because=x") == 200);
    CHECK(status_of(node, "http://node-a:11280/readyz") == 200);
    CHECK(status_of(node, "http://node-a:11280") == 200);
    for (const auto* target : {"/readyz/", "/Readyz", "//readyz", "/..", "/healthz%00"}) {
        INFO(target);
        CHECK(status_of(node, target) == 404);
    }
    for (const auto* target : {"", "*", "readyz", "ftp://x/readyz"}) {
        INFO(target);
        CHECK(status_of(node, target) == 400);
    }
    CHECK(node.ask("/readyz", "HEAD").status == 200);
    for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", ""}) {
        INFO(method);
        const auto answered = node.ask("/readyz", method);
        CHECK(answered.status == 405);
        CHECK(answered.allow == "GET, HEAD");
    }
    CHECK(node.ask("/nowhere", "POST").status == 404);
}

TEST_CASE("every state of the pair has a link text and a status of its own, open or not") {
    const auto states = all_link_states();
    REQUIRE(states.size() >= 7);
    std::set<std::string> links;
    std::set<std::string> summaries;
    for (const auto state : states) {
        INFO(name_of(state));
        auto node = FakeNode::of(report_of(state));
        CHECK(told(node, "state") == name_of(state));
        // A sentence, and not the bare word that stands for a state that nobody has described.
        CHECK(told(node, "link") != name_of(state));
        links.insert(told(node, "link"));
        summaries.insert(told(node, "summary"));
        node.standing.open_for = std::chrono::seconds(1);
        summaries.insert(told(node, "summary"));
    }
    links.insert(told(FakeNode::of({}), "link"));
    CHECK(links.size() == states.size() + 1);
    CHECK(summaries.size() == 2 * states.size());
}

TEST_CASE("role, access and what clients find are told of every state as they are") {
    for (const auto role : {Role::primary, Role::secondary}) {
        for (const auto access : {Access::open, Access::read_only, Access::closed}) {
            auto report = report_of(LinkState::connecting);
            report.link.role = role;
            report.link.access = access;
            auto node = FakeNode::of(report);
            node.standing.open_for = std::chrono::seconds(1);
            INFO(name_of(role) << ' ' << name_of(access));
            const auto page = status_page_of(node);
            CHECK(page.at("role").as_string() == name_of(role));
            CHECK(page.at("access").as_string() == name_of(access));
            CHECK(page.at("ready").as_bool() == (access != Access::closed));
        }
    }
}

TEST_CASE("every word that a driver may say of its state is one of the figure's") {
    for (const auto state : all_link_states()) {
        const std::string words = "|" + std::string(replication::state_figure.choices) + "|";
        INFO(name_of(state));
        CHECK(words.find("|" + std::string(name_of(state)) + "|") != std::string::npos);
    }
}

TEST_CASE("what another node says of itself breaks no line and no JSON") {
    auto report = report_of(LinkState::refused);
    report.link.last_refusal = "\"evil\\\r\nX: 1\xff";
    auto node = FakeNode::of(report);
    node.standing.open_for = std::chrono::seconds(1);
    CHECK(told(node, "link") == "not paired with host-b:11212: \"evil\\??X: 1?");
    const auto body = node.ask("/readyz").body;
    CHECK(body.find('\n') == body.size() - 1);
}

TEST_CASE("buckets that are left are told in percent, and some are never told as none") {
    CHECK(percent_left(0) == 0);
    CHECK(percent_left(1) == 1);
    CHECK(percent_left(32768) == 50);
    CHECK(percent_left(65535) == 99);
    CHECK(percent_left(65536) == 100);
    CHECK(percent_left(1'000'000) == 100);
}

TEST_CASE("HAProxy's agent hears up, drain and down, and ready in the first minute alone") {
    auto standing = FakeNode::linked().standing;
    CHECK(agent_line(standing) == "up 100%\n");
    standing.open_for = ready_is_said_for;
    CHECK(agent_line(standing) == "up 100%\n");
    standing.open_for = ready_is_said_for - std::chrono::seconds(1);
    CHECK(agent_line(standing) == "ready up 100%\n");
    standing.is_stopping = true;
    CHECK(agent_line(standing) == "drain\n");
    standing.is_stopping = false;
    standing.open_for.reset();
    standing.state = "SYNCING";
    // What this node has to compare may be done long before the other's.
    standing.dirty_buckets = 0;
    standing.resync_percent = 50;
    CHECK(agent_line(standing) == "down #resync 50 % left\n");
    standing.resync_percent = 100;
    CHECK(agent_line(standing) == "down #resync 1 % left\n");
    standing.state = "CONNECTING";
    CHECK(agent_line(standing) == "down #not open to clients yet; connecting to host-b:11212\n");
}

TEST_CASE("a status says since when everything is so, and what the peer says of itself") {
    using std::chrono::seconds;
    auto report = report_of(LinkState::linked);
    report.now = seconds(1000);
    report.link.since.state.begin(seconds(940));
    report.link.since.role.begin(seconds(900));
    report.link.since.access.begin(seconds(1));
    report.link.last_contact = seconds(998);
    report.link.peer_state = replication::pair::NodeState{.serving = true, .role = 1};
    auto page = status_page_of(FakeNode::of(report));
    CHECK(page.at("state_seconds") == 60);
    CHECK(page.at("role_seconds") == 100);
    CHECK(page.at("access_seconds") == 999);
    CHECK(page.at("peer").at("last_contact_seconds") == 2);
    CHECK(page.at("peer").at("role") == "secondary");
    CHECK(page.at("peer").at("serving") == "READY");
    report.link.peer_state.reset();
    report.link.last_contact.reset();
    page = status_page_of(FakeNode::of(report));
    CHECK(page.at("peer").at("last_contact_seconds").is_null());
    CHECK(page.at("peer").at("role") == "");
    CHECK(page.at("peer").at("serving") == "");
}

TEST_CASE("nothing of a link that was never started is older than nothing") {
    const auto page = status_page_of(FakeNode::of(report_of(LinkState::listening)));
    CHECK(page.at("state_seconds") == 0);
    CHECK(page.at("role_seconds") == 0);
}

TEST_CASE("an action is done by POST, once, for who may act alone") {
    using Kind = Action::Kind;
    const std::pair<std::string_view, Kind> actions[] = {
        {"/drain", Kind::drain},     {"/undrain", Kind::undrain},
        {"/promote", Kind::promote}, {"/switchover", Kind::switch_over},
        {"/resync", Kind::resync},   {"/log-level?level=debug", Kind::log_level},
    };
    for (const auto& [target, kind] : actions) {
        const auto node = FakeNode::linked();
        for (const auto* method : {"GET", "HEAD", "PUT", "DELETE"}) {
            const auto refused = node.ask({method, target, {}, {}, Trust::owner});
            CHECK(refused.status == 405);
            CHECK(refused.allow == "POST");
        }
        CHECK(node.ask(target, "POST").status == 403);
        CHECK(node.told.empty());
        CHECK(node.tell(target).status == 200);
        REQUIRE(node.told.size() == 1);
        CHECK(node.told[0].kind == kind);
    }
}

TEST_CASE("what makes no sense is refused with the sentence that says why") {
    auto node = FakeNode::linked();
    node.objection = "this node is the primary already";
    const auto answered = node.tell("/promote");
    CHECK(answered.status == 409);
    CHECK(answered.body == "this node is the primary already\n");
}

TEST_CASE("an action with a parameter that it does not have is not done") {
    const auto node = FakeNode::linked();
    for (const auto* target : {"/drain?now=1", "/promote?x", "/log-level",
                               "/log-level?level=", "/log-level?level=loud", "/log-level?debug"})
        CHECK(node.tell(target).status == 400);
    CHECK(node.told.empty());
    unsigned verbosity = 0;
    for (const auto* level : {"info", "debug", "trace"}) {
        CHECK(node.tell(std::string("/log-level?level=") + level).status == 200);
        CHECK(node.told.back().verbosity == verbosity++);
    }
}

TEST_CASE("a drained node is not ready, is neither primary nor secondary, and says drain") {
    auto node = FakeNode::linked();
    node.standing.is_drained = true;
    for (const auto* page : {"/readyz", "/primary", "/secondary", "/synchronised"}) {
        CHECK(status_of(node, page) == 503);
        CHECK(node.ask(page).body.find("drained by an operator; in step with") == 0);
    }
    CHECK(agent_line(node.standing) == "drain\n");
    CHECK(told(node, "phase") == "drained");
}

TEST_CASE("a node that is drained no longer takes HAProxy's drain back, and then is silent") {
    auto node = FakeNode::linked();
    node.standing.access_seconds = 10'000;
    node.standing.open_for = std::chrono::seconds(10'000);
    node.standing.process_unchanged_for = std::chrono::seconds(59);
    CHECK(agent_line(node.standing) == "ready up 100%\n");
    node.standing.process_unchanged_for = std::chrono::seconds(60);
    CHECK(agent_line(node.standing) == "up 100%\n");
}

TEST_CASE("every phase has one word, and the time since it began") {
    using std::chrono::seconds;
    auto node = FakeNode::linked();
    auto& standing = node.standing;
    standing.process_unchanged_for = seconds(50);
    standing.access_seconds = 40;
    const auto is = [&](std::string_view word, seconds age) {
        const auto page = status_page_of(node);
        CHECK(page.at("phase").as_string() == word);
        CHECK(page.at("phase_seconds").as_int64() == age.count());
    };
    is("open", seconds(40));
    standing.access = "read-only";
    is("read-only", seconds(40));
    standing.access = "closed";
    is("closed", seconds(40));
    standing.is_drained = true;
    is("drained", seconds(50));
    standing.is_stopping = true;
    is("stopping", seconds(50));
    standing = {};
    standing.process_unchanged_for = seconds(3);
    is("cold", seconds(3));
    standing.open_for = seconds(3);  // of a driver that tells of no access
    is("open", seconds(3));
}

TEST_CASE("the log's lines are told to those who may act alone, and from the number on") {
    const auto node = FakeNode::linked();
    CHECK(node.ask("/events").status == 403);
    CHECK(node.ask("/events?after=3").status == 403);
    CHECK(node.ask({"GET", "/events", {}, {}, Trust::owner}).body == "0");
    CHECK(node.ask({"GET", "/events?after=12", {}, {}, Trust::owner}).body == "12");
    for (const auto* target :
         {"/events?after=", "/events?after=x", "/events?12", "/events?after=-1"})
        CHECK(node.ask({"GET", target, {}, {}, Trust::owner}).status == 400);
    CHECK(node.ask("/history").status == 200);
}

TEST_CASE("a resync is told with what is left of it, in percent and seconds") {
    using std::chrono::seconds;
    auto report = report_of(LinkState::syncing);
    report.exchange.dirty_buckets = 32768;
    report.link.progress.note(65536, seconds(10));
    report.link.progress.note(49152, seconds(20));
    auto page = status_page_of(FakeNode::of(report));
    CHECK(page.at("peer").at("resync_percent") == 25);
    CHECK(page.at("peer").at("resync_seconds_left") == 30);
    CHECK(told(FakeNode::of(report), "link") ==
          "synchronising with host-b:11212, 75 % left to compare, about 30 s left");
    report.link.progress = {};
    report.link.progress.note(65536, seconds(10));
    page = status_page_of(FakeNode::of(report));
    CHECK(page.at("peer").at("resync_percent") == 0);
    CHECK(page.at("peer").at("resync_seconds_left").is_null());
}

TEST_CASE("the service manager is told the same, but for what changes at every look") {
    auto standing = FakeNode::linked().standing;
    standing.lag_ms = 17;
    CHECK(service_status(standing) == "primary; ready; in step with host-b:11212");
    standing.state = "SYNCING";
    standing.resync_percent = 50;
    standing.open_for.reset();
    standing.role = "secondary";
    CHECK(service_status(standing) ==
          "secondary; not open to clients yet; synchronising with host-b:11212, 50 % left to "
          "compare");
    Standing alone;
    alone.state = "STANDALONE";
    alone.open_for = std::chrono::seconds(1);
    CHECK(service_status(alone) == "ready; alone, no peer is configured");
}

TEST_CASE("who may not act is told what it would take, by how he came") {
    const auto node = FakeNode::linked();
    struct Refusal {
        Trust trust;
        unsigned status;
        std::string_view says;
    };
    for (const auto& [trust, status, says] : {
             Refusal{Trust::stranger, 403, "by a unix socket of it; or who shows a token"},
             Refusal{Trust::untold, 403, "this node has no token that could be shown"},
             Refusal{Trust::unproved, 401, "or who shows a token of the node"},
             Refusal{Trust::refused, 401, "the token that was shown is not this node's"},
             Refusal{Trust::misled, 403, "ask by an address, or by localhost"},
         }) {
        for (const auto* target : {"/drain", "/log-level?level=info"}) {
            const auto answered = node.ask({"POST", target, {}, {}, trust});
            CHECK(answered.status == status);
            CHECK(answered.body.find(says) != std::string::npos);
        }
        CHECK(node.ask({"GET", "/events", {}, {}, trust}).status == status);
        CHECK(node.ask({"GET", "/items", {}, {}, trust}).status == status);
        CHECK(node.ask({"GET", "/readyz", {}, {}, trust}).status == 200);
    }
    CHECK(node.ask({"POST", "/drain", {}, {}, Trust::owner}).status == 200);
}

TEST_CASE("the node's user is believed by an address or a name that nobody else can have") {
    for (const auto* host : {"", "node", "localhost", "localhost:11280", "127.0.0.1:11280",
                             "10.0.0.1", "[::1]", "[2001:db8::1]:11280", ":80"}) {
        INFO(host);
        CHECK(trust_of_user_by(host) == Trust::owner);
    }
    for (const auto* host : {"evil.example", "evil.example:11280", "localhost.", "127.0.0.1.nip.io",
                             "1.2.3.evil", "a.1", "1.2.3.4.", "."}) {
        INFO(host);
        CHECK(trust_of_user_by(host) == Trust::misled);
    }
}

TEST_CASE("hot keys are told to whoever may read items, encoded, and null while nobody counts") {
    protocol::HotKeys hot_keys;
    auto node = FakeNode::linked();
    node.hot_keys = &hot_keys;
    const auto told = [&](Trust trust) {
        const auto body =
            node.ask(Request{.method = "GET", .target = "/status", .trust = trust}).body;
        return boost::json::parse(body).as_object().at("hot_keys");
    };
    CHECK(told(Trust::owner).is_null());
    REQUIRE(hot_keys.set_enabled(true));
    hot_keys.note("a b", ':', 10);
    CHECK(told(Trust::stranger).is_null());
    const auto rankings = told(Trust::owner).as_object();
    const auto hottest = rankings.at("keys_by_requests").as_array().at(0).as_object();
    CHECK(hottest.at("key") == "a%20b");
    CHECK(hottest.at("amount") == 100);
    CHECK(rankings.at("prefixes_by_bytes").as_array().empty());
}

}  // namespace twincached::app

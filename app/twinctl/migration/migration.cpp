#include "app/twinctl/migration/migration.hpp"

#include <fmt/format.h>

namespace twincached::app {
namespace {

// Without a repcached in sight, and none to be expected.
MigrationStep without_legacy(const MigrationFacts& facts) {
    if (facts.is_paired)
        return {6,
                "both nodes run twincached, and no repcached can come in",
                "nothing: the pair has moved",
                {}};
    return {0, "legacy is no: this node looks for no repcached",
            "on the host whose repcached was stopped: start this node with legacy = yes, and the "
            "repcached that serves as its peer",
            "start the old repcached again, with -x"};
}

MigrationStep behind_clients(const MigrationFacts& facts) {
    if (facts.legacy == "filling")
        return {4,
                "clients are here (apply = no); one of the two is being filled",
                "wait until it says linked",
                {}};
    if (facts.legacy == "linked")
        return {4, "clients are here (apply = no), and the repcached is told what they change",
                fmt::format("stop the repcached at {} and start twincached there, with this node "
                            "as its peer",
                            facts.peer),
                "move the clients back to the repcached, then set apply = yes and reload"};
    return {4, "clients are here (apply = no), and the repcached is not there",
            fmt::format("start twincached at {}, with this node as its peer", facts.peer),
            "start the repcached there with -x and this node's host: it gets all that is here"};
}

MigrationStep before_clients(const MigrationFacts& facts) {
    if (facts.legacy == "waiting")
        return {1, "the repcached is called, and has not answered yet",
                fmt::format("see that the repcached at {} runs and listens: it does so once the "
                            "other repcached has been stopped",
                            facts.peer),
                "stop this node and start the old repcached again, with -x"};
    if (facts.legacy == "filling")
        return {2, "the two are being filled", "wait until it says linked",
                "stop this node: the repcached goes on by itself"};
    if (facts.dumps_received + facts.dumps_sent < 2)
        return {2, "this node has a first copy, and follows what changes",
                "twinctl resync: a second dump mends what a repcached tells in the wrong order, or "
                "not at all",
                "stop this node: the repcached goes on by itself"};
    return {3, "this node holds what the repcached holds",
            "move the clients to this node, then twinctl resync: what the repcached told in the "
            "wrong order meanwhile is mended; when it says linked again, set apply = no and reload "
            "this node",
            "stop this node: the repcached goes on by itself"};
}

}  // namespace

MigrationStep migration_step(const MigrationFacts& facts) {
    if (!facts.has_peer)
        return {0,
                "this node has no peer",
                "name the repcached that serves as its peer, with "
                "legacy = yes",
                {}};
    if (facts.legacy == "off" || facts.legacy.empty()) return without_legacy(facts);
    if (facts.is_paired)
        return {5, "both nodes run twincached, and a repcached could still come in",
                "set legacy = no on both nodes, and reload them",
                fmt::format("stop the node at {} and start the repcached there with -x and this "
                            "node's host: it gets all that is here",
                            facts.peer)};
    return facts.applies ? before_clients(facts) : behind_clients(facts);
}

std::string migration_screen(std::string_view node, const MigrationStep& step) {
    auto text = fmt::format("{}: step {} of 6: {}\n  next: {}\n", node, step.number, step.reached,
                            step.next);
    if (!step.back.empty()) text += fmt::format("  way back: {}\n", step.back);
    return text;
}

boost::json::object migration_json(std::string_view node, const MigrationStep& step) {
    return {{"node", node},
            {"step", step.number},
            {"reached", step.reached},
            {"next", step.next},
            {"back", step.back}};
}

}  // namespace twincached::app

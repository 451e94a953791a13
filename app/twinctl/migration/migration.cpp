#include "app/twinctl/migration/migration.hpp"

#include <fmt/format.h>

namespace twincached::app {
namespace {

std::uint64_t dumps(const MigrationFacts& facts) noexcept {
    return facts.dumps_received + facts.dumps_sent;
}

// Perhaps the only one that does. It says so also after a start with what it held, when no dump is
// counted.
bool holds_data(const MigrationFacts& facts) noexcept {
    return dumps(facts) > 0 || facts.items > 0;
}

std::string fill_repcached(const MigrationFacts& facts) {
    return fmt::format(
        "start the repcached at {} with -x and this node's host: it gets all that is here (without "
        "-x it is empty, and this node then drops what came from it)",
        facts.peer);
}

MigrationStep without_legacy_but_items(const MigrationFacts& facts) {
    return {0,
            fmt::format("legacy is no: this node looks for no repcached; it holds {} items",
                        facts.items),
            fmt::format("start twincached at {}, with this node as its peer; if a repcached shall "
                        "run there still: set legacy = yes, and apply = no if clients are here, "
                        "and reload this node",
                        facts.peer),
            "set legacy = yes and reload this node, then " + fill_repcached(facts)};
}

// Without a repcached in sight, and none to be expected.
MigrationStep without_legacy(const MigrationFacts& facts) {
    if (facts.is_paired)
        return {6,
                "both nodes run twincached, and no repcached can come in",
                "nothing: the pair has moved",
                {}};
    if (holds_data(facts)) return without_legacy_but_items(facts);
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

// Who stops this node, or starts the repcached empty, empties the cache.
MigrationStep without_repcached(const MigrationFacts& facts) {
    const auto filling = fill_repcached(facts);
    const auto onward = fmt::format(
        "; or go on without it: move the clients to this node, and start twincached at "
        "{}, with this node as its peer",
        facts.peer);
    if (dumps(facts) == 0)
        return {1,
                fmt::format("the repcached has not answered since this node was started; this node "
                            "holds {} items",
                            facts.items),
                fmt::format("if the repcached at {} has all data, see that it runs and listens: "
                            "this node takes it over; if it is gone, ",
                            facts.peer) +
                    filling + onward,
                filling};
    return {dumps(facts) < 2 ? 2U : 3U, "the repcached is gone; this node has its data",
            filling + onward, filling};
}

MigrationStep before_clients(const MigrationFacts& facts) {
    if (facts.legacy == "waiting") {
        if (holds_data(facts)) return without_repcached(facts);
        return {1, "the repcached is called, and has not answered yet",
                fmt::format("see that the repcached at {} runs and listens: it does so once the "
                            "other repcached has been stopped",
                            facts.peer),
                "stop this node and start the old repcached again, with -x"};
    }
    // Behind a dump it may be the repcached that is being filled.
    if (facts.legacy == "filling" && dumps(facts) > 0)
        return {2,
                "one of the two is being filled",
                "wait until it says linked: until then stop neither",
                {}};
    if (facts.legacy == "filling")
        return {2, "the two are being filled", "wait until it says linked",
                "stop this node: the repcached goes on by itself"};
    if (dumps(facts) < 2)
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

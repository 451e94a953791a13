#include "replication/pair/node_identity.hpp"

namespace twincached::replication::pair {

std::string_view node_name(unsigned node) noexcept {
    if (!is_decided(node)) return "";
    return node == node_a ? "a" : "b";
}

lib::Parsed<unsigned> identify_node(std::string_view configured, const std::optional<LinkEnd>& own,
                                    const std::optional<LinkEnd>& peer) {
    if (configured == "a") return node_a;
    if (configured == "b") return node_b;
    if (!configured.empty()) {
        return "node must be a, b or empty, not '" + std::string(configured) + "'";
    }
    if (!own || !peer) return node_undecided;
    if (*own == *peer) {
        return std::string(
            "the peer's address and port are this node's own; give the address of the other "
            "node, or set node = a on one node and node = b on the other");
    }
    return *own < *peer ? node_a : node_b;
}

}  // namespace twincached::replication::pair

#include "app/secret_renewal.hpp"

#include "replication/replication_options.hpp"

#include <string_view>

namespace twincached::app {
namespace {

// Keys hash by it, and whoever calls is judged by it: what there was none of takes a restart.
constexpr std::string_view is_new_kind =
    "whether the link has a secret is decided at the start: restart one node after the other";

}  // namespace

std::vector<std::string> changes_of(const replication::Secrets& before,
                                    const replication::Secrets& after) {
    std::vector<std::string> changes;
    if (before.current != after.current) changes.emplace_back("the secret of the link was changed");
    if (before.old == after.old) return changes;
    if (after.old.empty()) {
        changes.emplace_back("the old secret of the link is accepted no more");
    } else {
        changes.emplace_back("the old secret of the link (old-secret-file) is accepted as well");
    }
    return changes;
}

lib::Parsed<void> SecretRenewal::renew(const Options& options) {
    const auto stay = [&](std::string_view problem) {
        log_.error("the secrets in use stay: {}", problem);
        return lib::Parsed<void>(boost::system::in_place_error, problem);
    };
    auto fresh = replication::secrets_of(options.get<replication::ReplicationOptions>());
    if (fresh.has_error()) return stay(fresh.error());
    if (fresh->current.empty() != secrets_.current.empty()) return stay(is_new_kind);
    const auto changes = changes_of(secrets_, *fresh);
    if (changes.empty()) return {};
    const auto taken = replicator_.reload({.secrets = &*fresh});
    if (taken.has_error()) return stay(taken.error());
    secrets_ = std::move(*fresh);
    for (const auto& change : changes)
        log_.info("{}: it holds for connections of the link that begin from now on", change);
    return {};
}

}  // namespace twincached::app

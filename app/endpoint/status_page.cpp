#include "app/endpoint/status_page.hpp"

#include "lib/json.hpp"
#include "lib/numbers.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace twincached::app {
namespace {

namespace json = boost::json;

// Counters and gauges are numbers, whole ones where they can be.
json::value value_of(const lib::Figure& figure, std::string_view text) {
    if (figure.kind == lib::FigureKind::text) return json::string(printable(text));
    if (const auto whole = lib::parse_number<std::int64_t>(text)) return *whole;
    if (const auto large = lib::parse_number<std::uint64_t>(text)) return *large;
    return lib::json_number(text);
}

json::object verdict_of(const Verdict& verdict) {
    return {{"holds", verdict.holds}, {"why", verdict.why}};
}

json::value peer_of(const Standing& standing) {
    if (standing.peer.empty()) return nullptr;
    json::value contact;
    json::value left;
    if (standing.resync_seconds) left = *standing.resync_seconds;
    if (standing.contact_seconds) contact = *standing.contact_seconds;
    return json::object{{"address", standing.peer},
                        {"role", standing.peer_role},
                        {"serving", standing.peer_serving},
                        {"last_contact_seconds", std::move(contact)},
                        {"lag_ms", standing.lag_ms},
                        {"unconfirmed_changes", standing.unacked},
                        {"resync_percent_left", percent_left(standing.dirty_buckets)},
                        {"resync_percent", standing.resync_percent},
                        {"resync_seconds_left", std::move(left)},
                        {"last_refusal", standing.last_refusal}};
}

}  // namespace

Answer status_page(const NodeView& node) {
    const auto standing = node.standing();
    const auto ready = readiness(standing);
    json::object figures;
    node.figures([&](const lib::Figure& figure, std::string_view value) {
        figures[figure.name] = value_of(figure, value);
    });
    json::object page{
        {"ready", ready.holds},
        {"summary", ready.why},
        {"open", standing.open_for.has_value()},
        {"open_seconds", standing.open_for.value_or(std::chrono::seconds(0)).count()},
        {"stopping", standing.is_stopping},
        {"phase", phase_of(standing)},
        {"phase_seconds", phase_age(standing).count()},
        {"state", standing.state},
        {"state_seconds", standing.state_seconds},
        {"role", standing.role.empty() ? "primary" : standing.role},
        {"role_seconds", standing.role_seconds},
        {"access", standing.access.empty() ? "open" : standing.access},
        {"access_seconds", standing.access_seconds},
        {"node", standing.node},
        {"link", link_text(standing)},
        {"primary", verdict_of(primacy(standing))},
        {"secondary", verdict_of(secondariness(standing))},
        {"synchronised", verdict_of(synchrony(standing, std::nullopt))},
        {"peer", peer_of(standing)},
        {"figures", std::move(figures)},
    };
    return {.type = "application/json", .body = json::serialize(page) + "\n"};
}

}  // namespace twincached::app

#include "app/endpoint/status_page.hpp"

#include "lib/json.hpp"
#include "lib/numbers.hpp"
#include "protocol/uri_key.hpp"

#include <array>
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

double microseconds_of(std::uint64_t nanoseconds) noexcept {
    return static_cast<double>(nanoseconds) / 1000;
}

// How many took no longer than so many nanoseconds, and longer than the step before.
json::array steps_of(const protocol::LatencyTally& tally, protocol::LatencySeries series) {
    json::array steps;
    std::uint64_t before = 0;
    for (std::size_t step = 0; step + 1 < protocol::LatencySteps::count; ++step) {
        const auto within = tally.count_within(series, step);
        if (within != before)
            steps.push_back(json::array{protocol::LatencySteps::bound(step), within - before});
        before = within;
    }
    return steps;
}

// By dialect and kind; those of which none was measured are left out.
json::object latency_of(const protocol::LatencyTally* tally) {
    json::object dialects;
    for (std::size_t i = 0; tally != nullptr && i < protocol::LatencySeries::count; ++i) {
        const auto series = protocol::LatencySeries::of(i);
        const auto count = tally->count(series);
        if (count == 0) continue;
        auto& dialect = dialects[name_of(series.dialect)];
        if (dialect.is_null()) dialect = json::object();
        dialect.as_object()[name_of(series.kind)] =
            json::object{{"measured", count},
                         {"p50_us", microseconds_of(tally->quantile(series, 50))},
                         {"p99_us", microseconds_of(tally->quantile(series, 99))},
                         {"steps_ns", steps_of(*tally, series)}};
    }
    return dialects;
}

constexpr std::size_t hot_keys_shown = 10;

std::string_view name_of(protocol::HotKeys::Ranking ranking) noexcept {
    constexpr std::string_view names[] = {"keys_by_requests", "keys_by_bytes",
                                          "prefixes_by_requests", "prefixes_by_bytes"};
    return names[static_cast<std::size_t>(ranking)];
}

// The first of each ranking, keys encoded as in every report. Null while nobody counts.
json::value hot_keys_of(const protocol::HotKeys* hot_keys) {
    if (hot_keys == nullptr || !hot_keys->is_enabled()) return nullptr;
    json::object rankings;
    for (std::size_t i = 0; i < static_cast<std::size_t>(protocol::HotKeys::Ranking::count_); ++i)
        rankings[name_of(static_cast<protocol::HotKeys::Ranking>(i))] = json::array();
    hot_keys->visit(hot_keys_shown, [&](const protocol::HotKeys::Line& line) {
        std::array<char, protocol::uri_key_limit> text;
        const auto* const end = protocol::put_uri_key(text.data(), line.key);
        rankings[name_of(line.ranking)].as_array().push_back(json::object{
            {"key", std::string_view(text.data(), static_cast<std::size_t>(end - text.data()))},
            {"amount", line.amount},
            {"error", line.error}});
    });
    return rankings;
}

json::object object_of(const Standing& standing) {
    const auto ready = readiness(standing);
    return {
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
    };
}

}  // namespace

std::string standing_json(const Standing& standing) {
    return json::serialize(object_of(standing));
}

Answer status_page(const NodeView& node, bool may_read_items) {
    auto page = object_of(node.standing());
    json::object figures;
    node.figures([&](const lib::Figure& figure, std::string_view value) {
        figures[figure.name] = value_of(figure, value);
    });
    page["latency"] = latency_of(node.latencies);
    page["hot_keys"] = may_read_items ? hot_keys_of(node.hot_keys) : json::value();
    page["figures"] = std::move(figures);
    return {.type = "application/json", .body = json::serialize(page) + "\n"};
}

}  // namespace twincached::app

#include "app/history/failover.hpp"

#include "lib/json.hpp"

namespace twincached::app {
namespace {

namespace json = boost::json;

std::optional<std::string> text_in(const json::object& object, std::string_view member) {
    const auto* value = object.if_contains(member);
    const auto* text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr) return std::nullopt;
    return std::string(text->begin(), text->end());
}

std::optional<std::int64_t> number_in(const json::object& object, std::string_view member) {
    const auto* value = object.if_contains(member);
    const auto* number = value == nullptr ? nullptr : value->if_int64();
    if (number == nullptr || *number < 0) return std::nullopt;
    return *number;
}

// Texts of other nodes are among the reasons.
std::string printable(std::string_view text) {
    std::string plain(text);
    for (auto& c : plain) {
        if (c < ' ' || c > '~') c = '?';
    }
    return plain;
}

}  // namespace

std::string json_of(const Failover& failover) {
    return json::serialize(json::object{{"at_ms", failover.at_ms},
                                        {"from", failover.from},
                                        {"to", failover.to},
                                        {"here", failover.here},
                                        {"why", failover.why},
                                        {"unconfirmed", failover.unconfirmed}});
}

std::optional<Failover> failover_of(std::string_view line) {
    json::error_code error;
    const auto value = json::parse(line, error);
    const auto* object = error ? nullptr : value.if_object();
    if (object == nullptr) return std::nullopt;
    const auto at = number_in(*object, "at_ms");
    const auto unconfirmed = number_in(*object, "unconfirmed");
    const auto from = text_in(*object, "from");
    const auto to = text_in(*object, "to");
    const auto here = text_in(*object, "here");
    const auto why = text_in(*object, "why");
    if (!at || !unconfirmed || !from || !to || !here || !why) return std::nullopt;
    return Failover{*at,
                    printable(*from),
                    printable(*to),
                    printable(*here),
                    printable(*why),
                    static_cast<std::uint64_t>(*unconfirmed)};
}

Failover failover_at(std::int64_t unix_ms, const replication::RoleChange& change) {
    return {unix_ms,     change.from,           change.to,
            change.here, printable(change.why), change.unconfirmed};
}

}  // namespace twincached::app

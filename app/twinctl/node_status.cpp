#include "app/twinctl/node_status.hpp"

#include <utility>

namespace twincached::app {
namespace {

namespace json = boost::json;

const json::object* object_in(const json::object& object, std::string_view member) {
    const auto* value = object.if_contains(member);
    return value == nullptr ? nullptr : value->if_object();
}

std::string text_in(const json::object* object, std::string_view member) {
    const auto* value = object == nullptr ? nullptr : object->if_contains(member);
    const auto* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(text->begin(), text->end());
}

double number_in(const json::object* object, std::string_view member) {
    const auto* value = object == nullptr ? nullptr : object->if_contains(member);
    return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

bool flag_in(const json::object* object, std::string_view member) {
    const auto* value = object == nullptr ? nullptr : object->if_contains(member);
    const auto* flag = value == nullptr ? nullptr : value->if_bool();
    return flag != nullptr && *flag;
}

}  // namespace

bool NodeStatus::flag(std::string_view member) const {
    return flag_in(&page, member);
}

std::string NodeStatus::text(std::string_view member) const {
    return text_in(&page, member);
}

std::string NodeStatus::peer_text(std::string_view member) const {
    return text_in(object_in(page, "peer"), member);
}

std::uint64_t NodeStatus::peer_number(std::string_view member) const {
    return static_cast<std::uint64_t>(number_in(object_in(page, "peer"), member));
}

double NodeStatus::figure(std::string_view name) const {
    return number_in(object_in(page, "figures"), name);
}

std::string NodeStatus::figure_text(std::string_view name) const {
    return text_in(object_in(page, "figures"), name);
}

bool NodeStatus::has_peer() const {
    return object_in(page, "peer") != nullptr;
}

bool NodeStatus::holds(std::string_view verdict) const {
    return flag_in(object_in(page, verdict), "holds");
}

std::string NodeStatus::why(std::string_view verdict) const {
    return text_in(object_in(page, verdict), "why");
}

bool is_of_cluster(const NodeStatus& node) {
    return node.figure_text("repl_driver") == "nats";
}

std::vector<HotKeyLine> hot_keys_of(const NodeStatus& node, std::string_view ranking,
                                    std::size_t count) {
    std::vector<HotKeyLine> lines;
    const auto* rankings = object_in(node.page, "hot_keys");
    const auto* told = rankings == nullptr ? nullptr : rankings->if_contains(ranking);
    if (told == nullptr || !told->is_array()) return lines;
    for (const auto& line : told->as_array()) {
        if (lines.size() == count || !line.is_object()) break;
        const auto* const object = line.if_object();
        lines.push_back({text_in(object, "key"),
                         static_cast<std::uint64_t>(number_in(object, "amount")),
                         static_cast<std::uint64_t>(number_in(object, "error"))});
    }
    return lines;
}

NodeStatus node_status(std::string asked_at, std::string_view body) {
    json::error_code error;
    const auto page = json::parse(body, error);
    const auto* object = error ? nullptr : page.if_object();
    if (object == nullptr || !object->contains("ready")) {
        auto why = asked_at + ": it answers, but not as a twincached node does";
        return unreachable(std::move(asked_at), std::move(why));
    }
    return {std::move(asked_at), {}, *object};
}

NodeStatus unreachable(std::string asked_at, std::string error) {
    return {std::move(asked_at), std::move(error), {}};
}

}  // namespace twincached::app

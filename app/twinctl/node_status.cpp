#include "app/twinctl/node_status.hpp"

#include "app/twinctl/plain_text.hpp"

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
    return text == nullptr ? std::string() : plain_line({text->data(), text->size()});
}

double number_in(const json::object* object, std::string_view member) {
    const auto* value = object == nullptr ? nullptr : object->if_contains(member);
    return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

// What no count of a node's is, is 0.
std::uint64_t count_in(const json::object* object, std::string_view member) {
    constexpr double counts_end = 18446744073709551616.0;
    const auto number = number_in(object, member);
    return number >= 0 && number < counts_end ? static_cast<std::uint64_t>(number) : 0;
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
    return count_in(object_in(page, "peer"), member);
}

double NodeStatus::figure(std::string_view name) const {
    return number_in(object_in(page, "figures"), name);
}

std::uint64_t NodeStatus::count(std::string_view name) const {
    return count_in(object_in(page, "figures"), name);
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
        lines.push_back(
            {text_in(object, "key"), count_in(object, "amount"), count_in(object, "error")});
    }
    return lines;
}

NodeStatus node_status(std::string asked_at, std::string_view body) {
    json::error_code error;
    const auto page = json::parse(body, error);
    const auto* object = error ? nullptr : page.if_object();
    if (object == nullptr || !object->contains("ready")) {
        auto why = asked_at + ": " + std::string(no_node_answers);
        return unreachable(std::move(asked_at), std::move(why));
    }
    return {std::move(asked_at), {}, *object};
}

NodeStatus unreachable(std::string asked_at, std::string error) {
    return {std::move(asked_at), std::move(error), {}};
}

}  // namespace twincached::app

#include "replication/nats/jetstream/names.hpp"

#include <algorithm>

namespace twincached::replication::nats {
namespace {

constexpr std::size_t name_limit = 64;

bool is_letter(char letter) noexcept {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
}

std::string prefix_of(std::string_view kind, const Names& names) {
    return std::string(kind) + "." + names.cluster + ".";
}

std::string_view behind(std::string_view kind, const Names& names, std::string_view full) noexcept {
    const auto length = kind.size() + names.cluster.size() + 2;
    const bool is_ours = full.size() > length && full.starts_with(kind) &&
                         full[kind.size()] == '.' && full[length - 1] == '.' &&
                         full.substr(kind.size() + 1, names.cluster.size()) == names.cluster;
    return is_ours ? full.substr(length) : std::string_view();
}

}  // namespace

bool is_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= name_limit &&
           std::all_of(text.begin(), text.end(), is_letter);
}

std::string stream_of(std::string_view cluster, std::string_view site) {
    std::string name = "MC_";
    name.append(cluster);
    if (!site.empty()) name.append("_").append(site);
    return name;
}

std::string mirror_of(const Names& names, const OtherSite& site) {
    return stream_of(names.cluster, site.name) + "_AT_" + names.site;
}

std::string subjects_of_stream(const Names& names) {
    return prefix_of("mc", names) + (names.site.empty() ? "" : names.site + ".") + "*";
}

std::string subject_of_node(const Names& names) {
    return prefix_of("mc", names) + (names.site.empty() ? "" : names.site + ".") +
           std::to_string(names.node);
}

std::string asking_subject(const Names& names, std::string_view subject) {
    return prefix_of("mcask", names).append(subject);
}

std::string telling_subject(const Names& names, std::string_view subject) {
    return prefix_of("mctell", names).append(subject);
}

std::string_view asked_subject(const Names& names, std::string_view full) noexcept {
    return behind("mcask", names, full);
}

std::string_view told_subject(const Names& names, std::string_view full) noexcept {
    return behind("mctell", names, full);
}

std::string api_subject(std::string_view domain, std::string_view what, std::string_view stream) {
    std::string subject = "$JS.";
    if (!domain.empty()) subject.append(domain).append(".");
    return subject.append("API.").append(what).append(".").append(stream);
}

}  // namespace twincached::replication::nats

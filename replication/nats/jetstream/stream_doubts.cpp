#include "replication/nats/jetstream/stream_doubts.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {
namespace {

// What four nodes that change nothing say of themselves within twice member-timeout is more than a
// thousand messages, as the options are by themselves; changes come on top of that.
constexpr std::uint64_t least_messages = 4000;

bool is_below(std::uint64_t bound, std::uint64_t least) noexcept {
    return bound != 0 && bound < least;
}

std::string_view next_token(std::string_view& subject) noexcept {
    const auto dot = subject.find('.');
    const auto token = subject.substr(0, dot);
    subject = dot == std::string_view::npos ? std::string_view() : subject.substr(dot + 1);
    return token;
}

}  // namespace

bool covers(std::string_view pattern, std::string_view subjects) noexcept {
    while (!pattern.empty() && !subjects.empty()) {
        const auto token = next_token(pattern);
        const auto theirs = next_token(subjects);
        if (token == ">") return true;
        if (theirs == ">" || (token != "*" && token != theirs)) return false;
    }
    return pattern.empty() && subjects.empty();
}

std::string doubts_of(const StreamTraits& traits, const StreamNeeds& needs) {
    std::string doubts;
    const auto doubt = [&](bool applies, std::string_view what) {
        if (!applies) return;
        if (!doubts.empty()) doubts += "; ";
        doubts += what;
    };
    const bool is_origin = !needs.subjects.empty();
    const auto is_ours = [&](const std::string& subject) {
        return covers(subject, needs.subjects);
    };
    doubt(is_origin && traits.is_mirror, "it copies another stream, and takes nothing from nodes");
    doubt(is_origin && !traits.is_mirror &&
              std::none_of(traits.subjects.begin(), traits.subjects.end(), is_ours),
          "what nodes say on " + needs.subjects + " does not get into it (subjects)");
    doubt(is_origin && traits.is_sealed, "it is sealed, and takes nothing more");
    doubt(is_origin && traits.has_no_ack, "it does not say what it has stored (no_ack)");
    doubt(is_origin && traits.discards_new,
          "it takes nothing more when it is full (discard = new)");
    doubt(traits.retention == "workqueue", "each message goes to one node alone (retention)");
    doubt(traits.retention == "interest",
          "what nobody listens to is not kept for a node that comes back (retention)");
    doubt(traits.per_subject != 0,
          "of each node only the last messages are kept "
          "(max_msgs_per_subject), and who is slower compares all");
    doubt(is_below(traits.max_messages, least_messages),
          "it keeps a few messages alone (max_msgs), and who is slower than they come misses some");
    doubt(is_below(traits.max_bytes, stream_least_bytes),
          "it keeps less than 1 MiB (max_bytes), and who is slower than that comes misses some");
    doubt(traits.max_age.count() != 0 && traits.max_age < needs.age,
          "it forgets within twice member-timeout (max_age), and who is away for as long compares "
          "all");
    doubt(traits.max_consumers != 0 && traits.max_consumers < needs.readers,
          "fewer may read it than there may be nodes (max_consumers)");
    return doubts;
}

}  // namespace twincached::replication::nats

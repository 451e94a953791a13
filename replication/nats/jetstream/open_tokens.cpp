#include "replication/nats/jetstream/open_tokens.hpp"

#include <utility>
#include <vector>

namespace twincached::replication::nats {

void OpenTokens::expire(Instant now, lib::FunctionRef<void(Token, std::string_view why)> tell) {
    std::vector<std::pair<Token, std::string_view>> due;
    for (const auto& [token, one] : open_)
        if (one.until <= now) due.emplace_back(token, one.why);
    for (const auto& [token, why] : due)
        open_.erase(token);
    for (const auto& [token, why] : due)
        tell(token, why);
}

std::optional<OpenTokens::Instant> OpenTokens::deadline() const {
    std::optional<Instant> first;
    for (const auto& [token, one] : open_)
        if (!first || one.until < *first) first = one.until;
    return first;
}

}  // namespace twincached::replication::nats

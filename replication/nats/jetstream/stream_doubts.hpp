// What is to be said of a stream that somebody else has made, or edited: settings with which the
// cluster loses sight of changes, or compares all again and again. Pure; any thread.
#pragma once

#include "replication/nats/jetstream/api.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// What a node relies on.
struct StreamNeeds {
    std::string subjects;             // of what nodes say; empty: a mirror, which gets it otherwise
    std::chrono::milliseconds age{};  // what is younger must be there
    unsigned readers = 0;             // at once
};

// One sentence for all of it; empty: it will do.
std::string doubts_of(const StreamTraits& traits, const StreamNeeds& needs);

// Whether NATS delivers to `pattern` all that it delivers to `subjects`.
bool covers(std::string_view pattern, std::string_view subjects) noexcept;

}  // namespace twincached::replication::nats

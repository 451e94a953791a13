// Puts the items of a dump into a server, as a client of it: with meta commands, so that any
// memcached since 1.6 takes them, in batches of which no answer is waited for but the last one's.
// Memory: a batch, or the largest item. One owner, one thread.
#pragma once

#include "app/twinctl/item_line.hpp"
#include "app/twinctl/node_connection.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::app {

// What stores an item. Empty if it has expired or was invalidated (stale): neither may come back.
struct StoreCommand {
    std::string bytes{};
    std::string problem{};  // why the line cannot be right; empty: it can
};
// `only_new`: keep what is there already.
StoreCommand store_command(const ItemLine& item, std::int64_t unix_now, bool only_new);

class ItemLoader {
  public:
    struct Counts {
        std::uint64_t read = 0;
        std::uint64_t ended = 0;    // expired since, or stale
        std::uint64_t kept = 0;     // the server had an item of that key, and kept it
        std::uint64_t refused = 0;  // by the server; the first reason is `why`
        std::string why;

        std::uint64_t stored() const noexcept { return read - ended - kept - refused; }
    };

    // `patience`: for a batch to be taken and answered.
    ItemLoader(NodeConnection connection, std::chrono::milliseconds patience, bool only_new)
        : connection_(std::move(connection)), patience_(patience), only_new_(only_new) {}

    // As a client of the text protocol does where `auth-file` is set; `login` is "user password".
    // Before the first item. A sentence if the server does not let it in.
    std::string log_in(std::string_view login);
    // A sentence if it cannot go on.
    std::string take(const ItemLine& item, std::int64_t unix_now);
    // What is still to be sent.
    std::string finish();
    const Counts& counts() const noexcept { return counts_; }

  private:
    bool note_answers();

    NodeConnection connection_;
    const std::chrono::milliseconds patience_;
    const bool only_new_;
    std::string batch_;
    std::string answers_;
    Counts counts_;
};

}  // namespace twincached::app

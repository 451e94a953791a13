// Where the commands of a conversation come from, as far as the protocol has to know.
#pragma once

#include "protocol/waker.hpp"

#include <cstdint>

namespace twincached::protocol {

struct ClientOrigin {
    Waker* waker = nullptr;  // null: this client cannot wait for more than its own bytes
    int connection = -1;     // as `cfd` in watchers' lines
    // Its requests come as datagrams, whose sender may be forged: what is no command at all is not
    // answered, lest two servers be made to answer each other's answers for ever.
    bool is_datagram = false;
    std::uint16_t arbiter_waiter = 0;  // whom the arbiter wakes, if there is one; see SharedState
};

}  // namespace twincached::protocol

// Where the commands of a conversation come from, as far as the protocol has to know.
#pragma once

#include "protocol/observation/watch_log.hpp"

namespace twincached::protocol {

struct ClientOrigin {
    int connection = -1;     // as `cfd` in watchers' lines
    Waker* waker = nullptr;  // null: this client cannot watch
    // Its requests come as datagrams, whose sender may be forged: what is no command at all is not
    // answered, lest two servers be made to answer each other's answers for ever.
    bool is_datagram = false;
};

}  // namespace twincached::protocol

// What the admin endpoint knows of who asks. Figures are anybody's who reaches it; whoever acts, or
// looks at what clients have stored, has shown that the node is his.
#pragma once

#include <cstdint>

namespace twincached::app {

enum class Trust : std::uint8_t {
    stranger,  // came by TCP in the clear, where a token would be everybody's, or is another user
    untold,    // came by TLS, and this node has no token that could be shown
    unproved,  // came by TLS and showed none
    refused,   // ... and showed one that is not this node's
    owner,     // the node's user or root, at a unix socket; or showed its token by TLS
};

}  // namespace twincached::app

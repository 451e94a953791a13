// What the admin endpoint knows of who asks. Figures are anybody's who reaches it; whoever acts, or
// looks at what clients have stored, has shown that the node is his.
#pragma once

#include <cstdint>
#include <string_view>

namespace twincached::app {

enum class Trust : std::uint8_t {
    stranger,  // came by TCP in the clear, where a token would be everybody's, or is another user
    untold,    // came by TLS, and this node has no token that could be shown
    unproved,  // came by TLS and showed none
    refused,   // ... and showed one that is not this node's
    misled,  // the node's user or root, at a unix socket, whose browser another site may have sent
    owner,   // the node's user or root, at a unix socket; or showed its token by TLS
};

// Of the node's user or root, at a unix socket that a tunnel may lead to, by the header `Host` of
// the request; empty: it had none. A page of another site comes by its own name, which it has made
// to point at the tunnel's end (DNS rebinding); nobody can do that to an address, nor to a name
// without a dot.
Trust trust_of_user_by(std::string_view host) noexcept;

}  // namespace twincached::app

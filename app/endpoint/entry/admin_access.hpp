// Who may act by TCP: the certificate that the endpoint shows at its places with `tls:`, and the
// tokens that make somebody the node's owner there. Both are exchanged while the node runs;
// connections that exist keep the certificate that they began with. It holds no token, only what
// tells one, and writes none anywhere. Owned by the server; any thread.
#pragma once

#include "app/endpoint/entry/endpoint_options.hpp"
#include "app/endpoint/entry/trust.hpp"
#include "app/process/log.hpp"
#include "app/process/throttled_note.hpp"
#include "lib/mutex.hpp"
#include "lib/result.hpp"
#include "lib/tls_context.hpp"
#include "lib/tls_stream.hpp"
#include "storage/now.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::app {

// SHA-256 of each token.
using TokenDigests = std::vector<std::array<std::uint8_t, 32>>;

// Nobody guesses one of that length.
inline constexpr std::size_t token_size_least = 16;
// The new one, the old one, and some for programs.
inline constexpr std::size_t tokens_most = 16;

// One token to a line, so that a new one is let in before the old one goes; empty lines are passed
// over. None if the path is empty. The error is a sentence that names the file and the line.
lib::Parsed<TokenDigests> read_tokens(const std::string& path);

// For the places that begin with `tls:`; nothing if there are none.
std::optional<lib::TlsSettings> admin_tls_settings(const EndpointOptions& options);

class AdminAccess {
  public:
    // `context`: null if no place begins with `tls:`. The log must outlive it.
    AdminAccess(std::shared_ptr<const lib::TlsContext> context, TokenDigests tokens, Log& log)
        : log_(log), context_(std::move(context)), tokens_(std::move(tokens)) {}

    // For a new connection. REQUIRES: there is a certificate. Throws std::bad_alloc.
    std::unique_ptr<lib::TlsStream> accept() const;
    // By the header `Authorization` of a request that came by TLS; empty: it had none. How long it
    // takes tells nothing of the tokens.
    Trust trust_in(std::string_view authorization) const noexcept;
    // Says in the log, once a second at most, that the other end of this socket was not believed.
    void note_refused(int descriptor, storage::Tick now) const noexcept;

    void use(std::shared_ptr<const lib::TlsContext> context) noexcept;
    // The tokens, read again; an error is in the log, too, and those in force stay.
    lib::Parsed<void> renew(const EndpointOptions& options);

  private:
    Log& log_;
    mutable ThrottledNote refusals_;
    mutable lib::Mutex mutex_;  // held for as long as a comparison takes
    std::shared_ptr<const lib::TlsContext> context_ GUARDED_BY(mutex_);
    TokenDigests tokens_ GUARDED_BY(mutex_);
};

}  // namespace twincached::app

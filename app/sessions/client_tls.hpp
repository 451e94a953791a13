// TLS as clients get it: the context in use, which a reload exchanges while connections go on, and
// a word in the log for whoever cannot shake hands. Owned by the server; any thread.
#pragma once

#include "app/addresses/endpoint.hpp"
#include "app/process/log.hpp"
#include "app/process/throttled_note.hpp"
#include "app/process/tls_options.hpp"
#include "lib/mutex.hpp"
#include "lib/tls_context.hpp"
#include "lib/tls_stream.hpp"
#include "storage/now.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace twincached::app {

class ClientTls {
  public:
    // Of the options only what concerns a connection; the rest is in the context.
    ClientTls(std::shared_ptr<const lib::TlsContext> context, const TlsOptions& options,
              storage::Tick now, Log& log);

    // For a new client. Throws std::bad_alloc.
    std::unique_ptr<lib::TlsStream> accept(ListenerTls listener) const;
    // How much of its answers waits encrypted for one client.
    std::size_t write_limit_bytes() const noexcept { return write_limit_bytes_; }
    std::chrono::milliseconds handshake_timeout() const noexcept { return handshake_timeout_; }

    // Connections that begin from now on use another context; those that exist keep theirs.
    void use(std::shared_ptr<const lib::TlsContext> context, storage::Tick now) noexcept;
    storage::Tick refreshed_at() const noexcept {
        return refreshed_at_.load(std::memory_order_relaxed);
    }

    // At most a line a second, however many clients fail.
    void note_failure(int descriptor, std::string_view why, storage::Tick now) noexcept;

  private:
    std::shared_ptr<const lib::TlsContext> context() const;

    const std::size_t write_limit_bytes_;
    const std::chrono::milliseconds handshake_timeout_;
    Log& log_;
    mutable lib::Mutex mutex_;
    std::shared_ptr<const lib::TlsContext> context_ GUARDED_BY(mutex_);
    std::atomic<storage::Tick> refreshed_at_;
    ThrottledNote failures_;
};

}  // namespace twincached::app

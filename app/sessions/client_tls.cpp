#include "app/sessions/client_tls.hpp"

#include "app/listeners/listening_socket.hpp"
#include "lib/allocation.hpp"

#include <chrono>
#include <utility>

namespace twincached::app {

ClientTls::ClientTls(std::shared_ptr<const lib::TlsContext> context, const TlsOptions& options,
                     storage::Tick now, Log& log)
    : write_limit_bytes_(options.write_buffer_bytes),
      handshake_timeout_(options.handshake_timeout),
      log_(log),
      context_(std::move(context)),
      refreshed_at_(now) {}

std::shared_ptr<const lib::TlsContext> ClientTls::context() const {
    const lib::MutexLock lock(mutex_);
    return context_;
}

std::unique_ptr<lib::TlsStream> ClientTls::accept(ListenerTls listener) const {
    auto stream = std::make_unique<lib::TlsStream>(context(), lib::TlsStream::Side::server);
    if (listener == ListenerTls::mutual) {
        stream->ask_for_certificate(lib::PeerCertificate::required);
    }
    return stream;
}

void ClientTls::use(std::shared_ptr<const lib::TlsContext> context, storage::Tick now) noexcept {
    {
        const lib::MutexLock lock(mutex_);
        context_.swap(context);
    }
    refreshed_at_.store(now, std::memory_order_relaxed);
}

void ClientTls::note_failure(int descriptor, std::string_view why, storage::Tick now) noexcept {
    const auto left_out = failures_.due(now);
    if (!left_out) return;
    (void)lib::has_memory_for([&] {
        log_.info("TLS with {} failed: {} ({} more since the last such line)",
                  remote_end(descriptor), why, *left_out);
    });
}

}  // namespace twincached::app

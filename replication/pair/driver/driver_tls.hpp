// The link's TLS: which context a new connection begins with. One of the driver's files; owned by
// the driver. Connections that exist keep the context that they began with.
#pragma once

#include "lib/mutex.hpp"
#include "lib/tls_context.hpp"
#include "lib/tls_stream.hpp"

#include <memory>
#include <utility>

namespace twincached::replication::pair {

class LinkTls {
  public:
    explicit LinkTls(std::shared_ptr<const lib::TlsContext> context)
        : context_(std::move(context)) {}

    // Any thread.
    void exchange(std::shared_ptr<const lib::TlsContext> context) {
        const lib::MutexLock lock(mutex_);
        context_ = std::move(context);
    }
    // Null: the link is not encrypted. Throws std::bad_alloc.
    std::unique_ptr<lib::TlsStream> begin(lib::TlsStream::Side side) const {
        const lib::MutexLock lock(mutex_);
        return context_ ? std::make_unique<lib::TlsStream>(context_, side) : nullptr;
    }

  private:
    mutable lib::Mutex mutex_;
    std::shared_ptr<const lib::TlsContext> context_ GUARDED_BY(mutex_);
};

}  // namespace twincached::replication::pair

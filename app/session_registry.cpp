#include "app/session_registry.hpp"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <new>

namespace twincached::app {

SessionRegistry::~SessionRegistry() {
    assert(first_ == nullptr);
}

void SessionRegistry::begin(SessionSurroundings& surroundings, int descriptor, int family,
                            std::uint64_t id) {
    std::unique_ptr<Session> session;
    try {
        session = std::make_unique<Session>(surroundings, descriptor, family, id);
    } catch (const std::exception&) {
        // No memory, or no room in epoll: the client sees its connection closed.
        ::close(descriptor);
        limit_.give_back();
        return;
    }
    {
        const lib::MutexLock lock(mutex_);
        session->next_ = first_;
        if (first_ != nullptr) first_->previous_ = session.get();
        first_ = session.get();
    }
    session.release()->start();
}

void SessionRegistry::end(Session& session) noexcept {
    {
        // The descriptor is closed under the lock, so that a reporter never asks about a number
        // that means another connection already.
        const lib::MutexLock lock(mutex_);
        if (session.previous_ != nullptr) session.previous_->next_ = session.next_;
        if (session.next_ != nullptr) session.next_->previous_ = session.previous_;
        if (first_ == &session) first_ = session.next_;
        delete &session;
    }
    limit_.give_back();
    if (on_room_) on_room_();
}

template <class Visit>
void SessionRegistry::for_each(Visit visit) noexcept {
    for (auto* session = first_; session != nullptr;) {
        auto* next = session->next_;
        visit(*session);
        session = next;
    }
}

void SessionRegistry::drain_all() noexcept {
    for_each([](Session& session) { session.drain(); });
}

void SessionRegistry::abort_all() noexcept {
    for_each([](Session& session) { session.abort(); });
}

std::size_t SessionRegistry::sweep(storage::Tick now, std::chrono::seconds idle,
                                   std::chrono::seconds writing) noexcept {
    std::size_t silent = 0;
    for_each([&](Session& session) {
        const auto since = now - std::min(now, session.last_active());
        const auto limit = session.is_writing() ? writing : idle;
        if (limit.count() == 0 || since < limit.count()) return;
        if (!session.is_writing()) ++silent;
        session.abort();
    });
    return silent;
}

void SessionRegistry::visit(lib::FunctionRef<void(const Session&)> visit) const {
    const lib::MutexLock lock(mutex_);
    for (const auto* session = first_; session != nullptr; session = session->next_) {
        visit(*session);
    }
}

}  // namespace twincached::app

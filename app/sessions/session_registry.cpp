#include "app/sessions/session_registry.hpp"

#include "lib/allocation.hpp"

#include <unistd.h>

#include <cassert>

namespace twincached::app {
SessionRegistry::~SessionRegistry() {
    assert(first_ == nullptr);
}

Session* SessionRegistry::begin(SessionSurroundings& surroundings,
                                const NewClient& client) noexcept {
    Session* session = nullptr;
    if (!lib::has_memory_for([&] { session = new Session(surroundings, client); })) {
        surroundings.note_no_memory();
        ::close(client.descriptor);
        if (client.has_place) limit_.addresses().give_back(client.address);
        limit_.give_back();
        return nullptr;
    }
    const lib::MutexLock lock(mutex_);
    session->next_ = first_;
    if (first_ != nullptr) first_->previous_ = session;
    first_ = session;
    return session;
}

void SessionRegistry::end(Session& session) noexcept {
    {
        // The descriptor is closed under the lock, so that a reporter never asks about a number
        // that means another connection already.
        const lib::MutexLock lock(mutex_);
        if (session.previous_ != nullptr) session.previous_->next_ = session.next_;
        if (session.next_ != nullptr) session.next_->previous_ = session.previous_;
        if (first_ == &session) first_ = session.next_;
        const auto& client = session.client();
        if (client.has_place) limit_.addresses().give_back(client.address);
        delete &session;
    }
    limit_.give_back();
}

void SessionRegistry::for_each(lib::FunctionRef<void(Session&)> visit) noexcept {
    for (auto* session = first_; session != nullptr;) {
        auto* next = session->next_;
        visit(*session);
        session = next;
    }
}

void SessionRegistry::visit(lib::FunctionRef<void(const Session&)> visit) const {
    const lib::MutexLock lock(mutex_);
    for (const auto* session = first_; session != nullptr; session = session->next_) {
        visit(*session);
    }
}

}  // namespace twincached::app

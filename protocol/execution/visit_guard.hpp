// A visitor of the store runs under a shard's lock, called by functions that may not throw. If it
// finds no memory for what it puts into the answer, that is said when the store has returned: what
// the store did is done, and the client is closed without an answer. Lives for one look-up.
#pragma once

#include <new>

namespace twincached::protocol {

class VisitGuard {
  public:
    template <class Visit>
    void run(Visit&& visit) noexcept {
        try {
            visit();
        } catch (const std::bad_alloc&) {
            has_failed_ = true;
        }
    }
    // Throws std::bad_alloc if one of them did.
    void finish() const {
        if (has_failed_) throw std::bad_alloc();
    }

  private:
    bool has_failed_ = false;
};

}  // namespace twincached::protocol

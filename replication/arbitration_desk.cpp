#include "replication/arbitration_desk.hpp"

#include "lib/allocation.hpp"

#include <utility>

namespace twincached::replication {

// It counts until nobody holds it any more, neither its client nor the link.
class ArbitrationDesk::Counted final : public storage::Question {
  public:
    Counted(storage::Operation operation, std::shared_ptr<Load> load,
            std::shared_ptr<Waiter> waiter)
        : storage::Question(std::move(operation)),
          load_(std::move(load)),
          waiter_(std::move(waiter)),
          bytes_(this->operation().bytes()) {
        load_->questions.fetch_add(1);
        load_->bytes.fetch_add(bytes_);
        waiter_->questions.fetch_add(1);
    }
    ~Counted() {
        load_->questions.fetch_sub(1);
        load_->bytes.fetch_sub(bytes_);
        waiter_->questions.fetch_sub(1);
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

  private:
    const std::shared_ptr<Load> load_;
    const std::shared_ptr<Waiter> waiter_;
    const std::size_t bytes_;
};

// Counted before it is let in, so that no two clients take the same last place.
ArbitrationDesk::Asked ArbitrationDesk::ask(storage::Operation operation, unsigned waiter) {
    Asked question = std::make_shared<Counted>(std::move(operation), load_, waiters_[waiter]);
    if (load_->questions.load() > questions_limit || load_->bytes.load() > bytes_limit) {
        refused_.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    {
        const lib::MutexLock lock(mutex_);
        asked_.push_back(question);
        has_asked_.store(true, std::memory_order_release);
    }
    asked_count_.fetch_add(1, std::memory_order_relaxed);
    // Without memory for that, the next turn finds it all the same.
    (void)lib::has_memory_for(wake_);
    return question;
}

unsigned ArbitrationDesk::add_waiter(std::function<void()> wake) {
    waiters_.push_back(std::make_shared<Waiter>());
    waiters_.back()->wake = std::move(wake);
    return static_cast<unsigned>(waiters_.size() - 1);
}

std::vector<ArbitrationDesk::Asked> ArbitrationDesk::take() {
    const lib::MutexLock lock(mutex_);
    has_asked_.store(false, std::memory_order_release);
    return std::exchange(asked_, {});
}

// Who cannot be woken for want of memory is woken with the next who is.
void ArbitrationDesk::wake_waiters() noexcept {
    for (const auto& waiter : waiters_)
        if (waiter->questions.load() > 0) (void)lib::has_memory_for(waiter->wake);
}

}  // namespace twincached::replication

#include "replication/arbitration_desk.hpp"

#include "lib/allocation.hpp"

#include <limits>
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
    ~Counted() override {
        load_->questions.fetch_sub(1);
        load_->bytes.fetch_sub(bytes_);
        waiter_->questions.fetch_sub(1);
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

  private:
    void on_decided() noexcept override { load_->note(load_->now() - asked_ns_); }

    const std::shared_ptr<Load> load_;
    const std::shared_ptr<Waiter> waiter_;
    const std::size_t bytes_;
    const std::int64_t asked_ns_ = load_->now();
};

void ArbitrationDesk::Load::note(std::int64_t wait_ns) noexcept {
    constexpr std::int64_t weight = 16;
    answered.fetch_add(1, std::memory_order_relaxed);
    waited_ns.fetch_add(wait_ns, std::memory_order_relaxed);
    const auto before = recent_ns.load(std::memory_order_relaxed);
    const bool is_first = before == 0;
    const auto mean = is_first ? wait_ns : before + (wait_ns - before) / weight;
    recent_ns.store(mean, std::memory_order_relaxed);
}

// Counted before it is let in, so that no two clients take the same last place. One that is larger
// than all may be is let in alone.
ArbitrationDesk::Asked ArbitrationDesk::ask(storage::Operation operation, unsigned waiter) {
    Asked question = std::make_shared<Counted>(std::move(operation), load_, waiters_[waiter]);
    const auto under_way = load_->questions.load();
    const bool is_too_large = load_->bytes.load() > bytes_limit && under_way > 1;
    if (under_way > questions_limit || is_too_large) {
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

// What a thread has begun by the offer before, it has done when it looks.
void ArbitrationDesk::look(unsigned waiter) noexcept {
    const auto offer = offers_.load();
    if (waiters_[waiter]->seen.exchange(offer) != offer) (void)lib::has_memory_for(wake_);
}

void ArbitrationDesk::retire(unsigned waiter) noexcept {
    waiters_[waiter]->seen = std::numeric_limits<std::uint64_t>::max();
}

void ArbitrationDesk::offer(storage::Arbitration scope) noexcept {
    if (scope == this->scope()) return;
    set_scope(scope);
    ++offers_;
}

bool ArbitrationDesk::is_seen() noexcept {
    bool is_seen = true;
    for (const auto& waiter : waiters_) {
        if (waiter->seen.load() >= offers_.load()) continue;
        is_seen = false;
        (void)lib::has_memory_for(waiter->wake);
    }
    return is_seen;
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

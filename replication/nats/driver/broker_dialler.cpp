#include "replication/nats/driver/broker_dialler.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {

BrokerDialler::BrokerDialler(BrokerAccess access, std::shared_ptr<Intake> intake, Answers answers)
    : intake_(std::move(intake)),
      answers_(std::move(answers)),
      access_(std::make_shared<const BrokerAccess>(std::move(access))) {}

// libnats begins its threads from this one: signals are none of theirs either.
void BrokerDialler::start() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "dialler");
        run();
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void BrokerDialler::stop() noexcept {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        is_stopped_ = true;
    }
    asked_.notify_one();
    thread_.join();
    over_.clear();
}

void BrokerDialler::dial(std::chrono::milliseconds pause) {
    {
        const std::lock_guard lock(mutex_);
        if (!is_dialling_) begins_at_ = std::chrono::steady_clock::now() + pause;
        is_dialling_ = true;
    }
    asked_.notify_one();
}

void BrokerDialler::end(std::unique_ptr<NatsConnection> connection) {
    if (!connection) return;
    {
        const std::lock_guard lock(mutex_);
        over_.push_back(std::move(connection));
    }
    asked_.notify_one();
}

void BrokerDialler::run() {
    auto pause = first_pause;
    std::unique_lock lock(mutex_);
    while (!is_stopped_) {
        if (auto over = std::exchange(over_, {}); !over.empty()) {
            lock.unlock();
            over.clear();
            lock.lock();
            continue;
        }
        if (!is_dialling_) {
            asked_.wait(lock, [this] { return is_stopped_ || is_dialling_ || !over_.empty(); });
            continue;
        }
        if (std::chrono::steady_clock::now() < begins_at_) {
            asked_.wait_until(lock, begins_at_, [this] { return is_stopped_ || !over_.empty(); });
            continue;
        }
        lock.unlock();
        const bool is_done = try_all();
        lock.lock();
        if (is_done) {
            pause = first_pause;
            continue;
        }
        asked_.wait_for(lock, pause, [this] { return is_stopped_ || !over_.empty(); });
        pause = std::min(pause * 2, longest_pause);
    }
}

void BrokerDialler::use(BrokerAccess access) {
    auto fresh = std::make_shared<const BrokerAccess>(std::move(access));
    const std::lock_guard lock(mutex_);
    access_ = std::move(fresh);
}

std::shared_ptr<const BrokerAccess> BrokerDialler::wanted() {
    const std::lock_guard lock(mutex_);
    return is_stopped_ ? nullptr : access_;
}

// A round that others are in force for begins anew.
bool BrokerDialler::try_all() {
    const auto access = wanted();
    if (!access) return false;
    for (const auto& server : access->servers) {
        if (wanted() != access) return false;
        auto opened = NatsConnection::open(*access, server, intake_, ++connections_);
        if (opened.has_error()) {
            answers_.failed(server, opened.error());
            continue;
        }
        {
            const std::lock_guard lock(mutex_);
            is_dialling_ = false;
        }
        answers_.connected(std::move(*opened));
        return true;
    }
    return false;
}

}  // namespace twincached::replication::nats

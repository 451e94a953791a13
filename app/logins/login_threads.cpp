#include "app/logins/login_threads.hpp"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace twincached::app {

struct LoginThreads::Line {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> waiting;
    bool has_ended = false;

    // Nothing: all has ended.
    std::function<void()> next() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return has_ended || !waiting.empty(); });
        if (has_ended) return nullptr;
        auto work = std::move(waiting.front());
        waiting.pop_front();
        return work;
    }
};

LoginThreads::LoginThreads() : line_(std::make_shared<Line>()) {
    for (std::size_t i = 0; i < threads; ++i) {
        std::thread([line = line_] {
            pthread_setname_np(pthread_self(), "logins");
            while (const auto work = line->next())
                work();
        }).detach();
    }
}

LoginThreads::~LoginThreads() {
    std::deque<std::function<void()>> forgotten;
    const std::lock_guard lock(line_->mutex);
    line_->has_ended = true;
    line_->waiting.swap(forgotten);
    line_->changed.notify_all();
}

bool LoginThreads::add(std::function<void()> work) {
    const std::lock_guard lock(line_->mutex);
    if (line_->waiting.size() >= waiting_limit) return false;
    line_->waiting.push_back(std::move(work));
    line_->changed.notify_one();
    return true;
}

}  // namespace twincached::app

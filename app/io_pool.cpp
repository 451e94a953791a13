#include "app/io_pool.hpp"

#include "app/io_thread.hpp"

namespace twincached::app {

IoPool::IoPool(const IoPoolOptions& options, protocol::Service& service, const SystemClock& clock,
               ConnectionLimit& limit, std::function<void()> on_room) {
    for (std::size_t i = 0; i < options.threads; ++i) {
        threads_.push_back(std::make_unique<IoThread>(i, options, service, clock, limit, on_room));
    }
}

IoPool::~IoPool() {
    stop();
}

void IoPool::start() {
    for (auto& thread : threads_)
        thread->start();
}

void IoPool::deal(NewClient client) {
    client.id = ++last_id_;
    threads_[next_]->take(client);
    next_ = (next_ + 1) % threads_.size();
}

void IoPool::drain() {
    for (auto& thread : threads_)
        thread->drain();
}

void IoPool::stop() noexcept {
    for (auto& thread : threads_)
        thread->ask_to_stop();
    for (auto& thread : threads_)
        thread->join();
}

void IoPool::visit_counters(
    lib::FunctionRef<void(const protocol::ThreadCounters&)> visit) const noexcept {
    for (const auto& thread : threads_)
        visit(thread->counters());
}

void IoPool::visit_sessions(lib::FunctionRef<void(const Session&)> visit) const {
    for (const auto& thread : threads_)
        thread->registry().visit(visit);
}

}  // namespace twincached::app

#include "test/bench/load/runner.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace twincached::load {
namespace {

// A server that is silent for longer is not being measured.
constexpr std::chrono::nanoseconds patience = std::chrono::seconds(10);
constexpr std::chrono::nanoseconds retry = std::chrono::milliseconds(1);
constexpr std::size_t fill_connections = 8;
constexpr std::uint64_t fill_batch_bytes = 64 * 1024;
constexpr std::size_t own_descriptors = 32;

std::uint64_t now_ns() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

std::uint64_t nanoseconds(double seconds) {
    return static_cast<std::uint64_t>(seconds * 1e9);
}

double own_cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// As many as there are connections may be more than the shell gives.
void raise_descriptor_limit(rlim_t count) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= count) return;
    limit.rlim_cur = count;
    limit.rlim_max = std::max(limit.rlim_max, count);
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        give_up("no " + std::to_string(count) + " file descriptors may be open (ulimit -n)");
    }
}

}  // namespace

Runner::Runner(const Options& options)
    : options_(options),
      dialect_(make_dialect(options.protocol)),
      content_(options),
      keys_(options),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      tally_(std::make_unique<Tally>()) {
    const auto count = options.fill_keys > 0 ? fill_connections : options.connections;
    raise_descriptor_limit(count + own_descriptors);
    const Setting setting{options_, *dialect_, content_, options.tls ? tls_for_load() : nullptr};
    for (std::size_t i = 0; i < count; ++i) {
        connections_.push_back(std::make_unique<Connection>(setting));
        watch(i);
    }
    finish_handshakes();
    if (options.operations > 0) issue_at_most_ = options.operations;
}

Runner::~Runner() {
    close(epoll_);
}

void Runner::open_window() {
    tally_ = std::make_unique<Tally>();
    window_.server = sample_process(options_.pid);
    own_cpu_at_start_ = own_cpu_seconds();
    window_start_ns_ = now_ns();
}

void Runner::close_window() {
    const auto server = sample_process(options_.pid);
    window_.seconds = static_cast<double>(now_ns() - window_start_ns_) * 1e-9;
    window_.server_cpu_seconds = static_cast<double>(server.cpu_ns - window_.server.cpu_ns) * 1e-9;
    window_.own_cpu_seconds = own_cpu_seconds() - own_cpu_at_start_;
    window_.server = server;
}

void Runner::add_request(Connection& connection, std::uint64_t due_ns) {
    ++issued_;
    if (keys_.next_is_get()) {
        connection.add_get(keys_, due_ns);
    } else {
        connection.add_set(keys_.next(), due_ns);
    }
}

void Runner::send_batch(std::size_t index) {
    auto& connection = *connections_[index];
    const auto now = now_ns();
    if (options_.reconnect && issued_ < issue_at_most_) {
        connection.connect_again();
        watch(index);
    }
    for (unsigned i = 0; i < options_.depth && issued_ < issue_at_most_; ++i) {
        add_request(connection, now);
    }
    connection.flush();
}

// A descriptor that was closed is no longer watched.
void Runner::watch(std::size_t index) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[index]->descriptor(), &event);
}

void Runner::watch_output(std::size_t index) {
    const auto& connection = *connections_[index];
    epoll_event event{};
    event.events = EPOLLIN | (connection.waits_for_room() ? static_cast<unsigned>(EPOLLOUT) : 0U);
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor(), &event);
}

// They shall not stand in the window that is measured, but where each request has its own.
void Runner::finish_handshakes() {
    const auto is_open = [](const auto& connection) { return connection->is_open(); };
    while (!std::all_of(connections_.begin(), connections_.end(), is_open))
        poll(patience, [](std::size_t) {});
}

bool Runner::nothing_in_flight() const {
    return std::none_of(connections_.begin(), connections_.end(), [](const auto& connection) {
        return connection->is_waiting() || connection->has_output();
    });
}

template <class Idle>
void Runner::poll(std::chrono::nanoseconds timeout, Idle idle) {
    std::array<epoll_event, 512> events;
    const timespec wait{timeout / std::chrono::seconds(1),
                        (timeout % std::chrono::seconds(1)).count()};
    const int count =
        epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    if (count < 0 && errno != EINTR) give_up(std::string("epoll_wait: ") + std::strerror(errno));
    if (count == 0 && timeout == patience) {
        give_up("no answer for 10 s; first error: " + tally_->first_error);
    }
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        const auto index = event.data.u64;
        auto& connection = *connections_[index];
        const bool had_output = connection.has_output();
        if (had_output) connection.flush();
        if (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) connection.read(*tally_, now_ns());
        // What was read may have ended a handshake that the output waited for.
        if (connection.has_output()) connection.flush();
        idle(index);
        if (had_output || connection.has_output()) watch_output(index);
    }
}

void Runner::fill() {
    std::uint64_t next = 0;
    const auto batch =
        std::clamp<std::uint64_t>(fill_batch_bytes / (options_.value_bytes_max + 1), 1, 64);
    const auto more = [&](std::size_t index) {
        auto& connection = *connections_[index];
        if (connection.is_waiting() || connection.has_output()) return;
        for (std::uint64_t i = 0; i < batch && next < options_.fill_keys; ++i) {
            connection.add_set(static_cast<std::uint32_t>(next++), now_ns());
        }
        connection.flush();
    };
    open_window();
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        more(i);
        if (connections_[i]->has_output()) watch_output(i);
    }
    while (next < options_.fill_keys || !nothing_in_flight())
        poll(patience, more);
    close_window();
}

void Runner::run_closed() {
    bool is_ending = false;
    const auto more = [&](std::size_t index) {
        const auto& connection = *connections_[index];
        if (is_ending || connection.is_waiting() || connection.has_output()) return;
        send_batch(index);
    };
    open_window();
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        more(i);
        if (connections_[i]->has_output()) watch_output(i);
    }
    // The first requests of thousands of connections take longer than a warm-up: it begins now.
    const auto measure_from = now_ns() + nanoseconds(options_.warmup_seconds);
    const auto end =
        options_.seconds > 0 ? measure_from + nanoseconds(options_.seconds) : UINT64_MAX;
    bool is_measuring = options_.warmup_seconds <= 0;
    while (!is_ending || !nothing_in_flight()) {
        poll(patience, more);
        const auto now = now_ns();
        if (!is_measuring && now >= measure_from) {
            is_measuring = true;
            open_window();
        }
        if (!is_ending && now >= end) {
            close_window();
            return;
        }
        is_ending = is_ending || issued_ >= issue_at_most_;
    }
    close_window();
}

void Runner::run_open() {
    prctl(PR_SET_TIMERSLACK, 1UL);  // else each sleep may take 50 microseconds more
    const auto start = now_ns();
    const auto measure_from = start + nanoseconds(options_.warmup_seconds);
    const auto end = measure_from + nanoseconds(options_.seconds);
    const double gap = 1e9 / options_.rate;
    double due = static_cast<double>(start);
    bool is_measuring = options_.warmup_seconds <= 0;
    std::size_t turn = 0;
    open_window();
    for (auto now = start; now < end; now = now_ns()) {
        if (!is_measuring && now >= measure_from) {
            is_measuring = true;
            open_window();
        }
        std::size_t busy = 0;
        while (due <= static_cast<double>(now) && busy < connections_.size()) {
            const auto index = turn++ % connections_.size();
            auto& connection = *connections_[index];
            if (connection.waiting() >= options_.depth || connection.has_output()) {
                ++busy;
                continue;
            }
            add_request(connection, static_cast<std::uint64_t>(due));
            connection.flush();
            if (connection.has_output()) watch_output(index);
            due += gap;
            busy = 0;
        }
        // Sleeping to the next due time, and not in milliseconds, keeps this process off the core
        // that the server needs.
        const auto wait = std::chrono::nanoseconds(
            static_cast<long>(std::clamp(due - static_cast<double>(now_ns()), 0.0, 5e6)));
        poll(busy > 0 ? retry : wait, [](std::size_t) {});
    }
    count_what_never_came(static_cast<std::uint64_t>(due), gap, end);
    close_window();
}

// What was due and found no free connection has waited, too: up to now.
void Runner::count_what_never_came(std::uint64_t due_ns, double gap_ns, std::uint64_t end_ns) {
    for (auto due = static_cast<double>(due_ns); due < static_cast<double>(end_ns); due += gap_ns) {
        const auto waited = end_ns - static_cast<std::uint64_t>(due);
        tally_->latency_ns.record(waited);
        tally_->slowest_ns = std::max(tally_->slowest_ns, waited);
    }
}

}  // namespace twincached::load

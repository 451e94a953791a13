// Drives the connections from one thread with epoll.
//
// Closed loop: every connection sends --depth requests in one write, waits for all answers, and
// sends the next. Open loop (--rate): requests fall due on a fixed schedule, whatever the server
// does, and latency counts from when a request was due, so that a stall cannot hide itself.
#pragma once

#include "test/bench/load/connection.hpp"
#include "test/bench/load/options.hpp"
#include "test/bench/load/process_sample.hpp"
#include "test/bench/load/tally.hpp"
#include "test/bench/load/workload.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace twincached::load {

struct Window {
    double seconds = 0;
    double server_cpu_seconds = 0;
    double own_cpu_seconds = 0;
    ProcessSample server;
};

class Runner {
  public:
    explicit Runner(const Options& options);
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    void fill();
    void run_closed();
    void run_open();

    const Tally& tally() const { return *tally_; }
    const Window& window() const { return window_; }

  private:
    void open_window();
    void close_window();
    void add_request(Connection& connection, std::uint64_t due_ns);
    void send_batch(std::size_t index);
    void watch(std::size_t index);
    void finish_handshakes();
    // Waits for sockets and reads them; `idle` is called for every connection that was answered.
    template <class Idle>
    void poll(std::chrono::nanoseconds timeout, Idle idle);
    bool nothing_in_flight() const;
    void watch_output(std::size_t index);
    void count_what_never_came(std::uint64_t due_ns, double gap_ns, std::uint64_t end_ns);

    const Options& options_;
    std::unique_ptr<const Dialect> dialect_;
    Content content_;
    KeyStream keys_;
    int epoll_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::unique_ptr<Tally> tally_;
    Window window_;
    std::uint64_t window_start_ns_ = 0;
    double own_cpu_at_start_ = 0;
    std::uint64_t issued_ = 0;
    std::uint64_t issue_at_most_ = UINT64_MAX;
};

}  // namespace twincached::load

// The threads that serve clients: "io-0" to "io-N", each with an io_context of its own. A session
// is dealt to one of them in turn and stays there, so it needs no lock and no strand.
#pragma once

#include "app/listeners/connection_limit.hpp"
#include "app/process/system_clock.hpp"
#include "app/sessions/io_pool_options.hpp"
#include "app/sessions/session_registry.hpp"
#include "lib/function_ref.hpp"
#include "lib/mutex.hpp"
#include "protocol/execution/service.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace twincached::app {

class IoThread;

class IoPool {
  public:
    // Both must outlive it.
    IoPool(const IoPoolOptions& options, const SystemClock& clock, ConnectionLimit& limit);
    ~IoPool();  // stops

    // The control thread alone calls these. The threads run from here on; before it there is
    // nothing to visit. REQUIRES: not started before. The service must outlive the pool's stop.
    void start(protocol::Service& service);

    // A new client, whose place in the limit is taken. Owns the descriptor. REQUIRES: started.
    void deal(NewClient client);
    // Sessions end at their next boundary between requests.
    void drain();
    // Who is connected now has to go at the next boundary; who comes later is welcome.
    void disconnect();
    // One descriptor for each thread, all of one address; owns them. The address is for reports.
    struct DatagramName {
        std::string address;
        std::uint16_t port = 0;
    };
    void serve_datagrams(const std::vector<int>& descriptors, const DatagramName& name);
    // Sessions end now, threads end when the last has. Blocks. Harmless if repeated.
    void stop() noexcept;

    // Any thread.
    void visit_counters(
        lib::FunctionRef<void(const protocol::ThreadCounters&)> visit) const noexcept;
    struct DatagramSocket {
        int descriptor;
        DatagramName name;
    };
    std::vector<DatagramSocket> datagram_sockets() const;
    // Not in order.
    void visit_sessions(lib::FunctionRef<void(const Session&)> visit) const;

  private:
    const IoPoolOptions options_;
    const SystemClock& clock_;
    ConnectionLimit& limit_;
    std::vector<std::unique_ptr<IoThread>> threads_;  // none before start()
    std::size_t next_ = 0;
    std::uint64_t last_id_ = 0;
    mutable lib::Mutex mutex_;
    std::vector<DatagramSocket> datagram_sockets_ GUARDED_BY(mutex_);
};

}  // namespace twincached::app

// The last changes of the primary, newest last; in a file, too, if there is one, so that a node
// that was restarted can still tell what happened before. The file is small and written anew each
// time, beside itself and then into its place: a crash leaves the old one. What cannot be read in
// it is left out, with a line in the log; a file that cannot be written costs a line, and nothing
// else.
//
// Owned by the server. The control thread notes; any thread reads.
#pragma once

#include "app/history/failover.hpp"
#include "app/process/log.hpp"
#include "lib/mutex.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace twincached::app {

class FailoverHistory {
  public:
    static constexpr std::size_t most = 100;

    // Reads the file, if there is one. An empty path: in memory alone. `log` must outlive it.
    FailoverHistory(std::string path, Log& log);

    void note(Failover failover);
    std::vector<Failover> all() const;

  private:
    void read();
    void write() const;

    const std::string path_;
    Log& log_;
    mutable lib::Mutex mutex_;
    std::deque<Failover> failovers_ GUARDED_BY(mutex_);
};

// /history: an array of what the file has a line for each.
std::string history_json(const std::vector<Failover>& failovers);

}  // namespace twincached::app

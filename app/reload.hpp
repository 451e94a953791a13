// What SIGHUP does: the options are read again as they were at the start, and those that may
// change while the server runs go to whoever uses them. What cannot change, or is wrong, is said
// in the log and stays as it was. Owned by the server, used by the control thread.
#pragma once

#include "app/options/option_reader.hpp"
#include "app/options/options.hpp"
#include "app/process/log.hpp"

#include <functional>
#include <string>
#include <vector>

namespace twincached::app {

struct FreshOptions {
    Options options;
    std::vector<Problem> problems;
};

// What differs between two sets of options, as "key old -> new"; of a secret only its key.
struct OptionChanges {
    Options options;                   // the old ones, and of the new what is reloadable
    std::vector<std::string> taken;    // reloadable
    std::vector<std::string> waiting;  // for the next start
};
OptionChanges changes_between(const Options& running, const Options& fresh);

class Reload {
  public:
    using ReadAgain = std::function<FreshOptions()>;
    // Called at every reload, also if no option has changed: files may have.
    using Apply = std::function<void(const Options& before, const Options& after)>;

    Reload(const Options& running, ReadAgain read_again, Log& log)
        : running_(running), read_again_(std::move(read_again)), log_(log) {}

    // In the order in which they are to be applied.
    void join(Apply apply) { parts_.push_back(std::move(apply)); }
    void run();

  private:
    void say(const OptionChanges& changes);

    Options running_;
    ReadAgain read_again_;
    Log& log_;
    std::vector<Apply> parts_;
};

}  // namespace twincached::app

// What SIGHUP does: the options are read again as they were at the start, and those that may
// change while the server runs go to whoever their rows name (`reloaded_by`). What cannot change,
// or is wrong, is said in the log and stays as it was. Owned by the server, used by the control
// thread.
//
// Three ways in which a reload comes to nothing: a mistake in the options, and then all of them
// stay; or what stays until a restart cannot be without what would change, or somebody cannot do
// what is asked of him (a file that is no certificate): then what is his stays, and the rest is
// taken.
#pragma once

#include "app/options/option_reader.hpp"
#include "app/options/options.hpp"
#include "app/process/log.hpp"
#include "lib/result.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::app {

struct FreshOptions {
    Options options;
    std::vector<Problem> problems;
    std::vector<std::string> overruled;  // in the file, by the command line
};

// What differs between two sets of options.
struct OptionChange {
    const lib::OptionRow* row;
    std::string text;  // "key old -> new"; of a secret only its key
};
std::vector<OptionChange> changes_between(const Options& running, const Options& fresh);

class Reload {
  public:
    using ReadAgain = std::function<FreshOptions()>;
    // Called at every reload, also if no option has changed: files may have. `after` differs from
    // `before` in options of this part at most. On an error, which whoever returns it has said in
    // the log, nothing may have changed.
    using Apply = std::function<lib::Parsed<void>(const Options& before, const Options& after)>;

    Reload(const Options& running, ReadAgain read_again, Log& log)
        : running_(running), read_again_(std::move(read_again)), log_(log) {}

    // In the order in which they are to be applied. REQUIRES: the name is new, and lives on.
    void join(std::string_view name, Apply apply) { parts_.push_back({name, std::move(apply)}); }

    // Whom rows name and who has not joined: none, or a row promises what nobody keeps.
    std::vector<std::string_view> missing_parts() const;

    void run();

    // What is in force: as at the start, but for what reloads have put in its place.
    const Options& running() const noexcept { return running_; }

  private:
    struct Part {
        std::string_view name;
        Apply apply;
    };
    // Says why not.
    bool fits_what_stays(const Options& mixture);
    void say(std::string_view what, const std::vector<std::string>& changes, Severity severity);

    Options running_;
    ReadAgain read_again_;
    Log& log_;
    std::vector<Part> parts_;
};

}  // namespace twincached::app

// Brings defaults, file and command line together: the stronger source wins, lists are replaced
// as a whole by a stronger source, everything that is wrong is collected instead of stopping at
// the first. Used once at start-up, by main.
#pragma once

#include "app/options/option_table.hpp"
#include "app/options/options.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::app {

struct Problem {
    std::string message;  // "file:line: ..." where a file is to blame
};

// In order of strength.
enum class Source : std::uint8_t { preset, file, command_line };

struct Origin {
    Source source = Source::preset;
    std::string place;  // "file:line" or nothing

    // The file of that place.
    std::string_view file() const noexcept;
};

// "-L", "--idle-timeout" or "-o slab_automove", as somebody may have written it.
std::string written_name(const lib::OptionRow& option);

class OptionReader {
  public:
    // Files that are named relatively are looked for in `directory`. The table must outlive it.
    explicit OptionReader(const OptionTable& table, std::string directory = {});

    // Then what it includes: files that lie relatively lie beside it, and are stronger than it; of
    // two, the later is. What is included includes nothing.
    void read_file(const std::string& path);
    // The same for content that is at hand, which can include nothing.
    void read_content(std::string_view content, const std::string& name);

    // One option with its argument, or bare. A file whose name begins with "%d/" lies in the folder
    // of credentials that the service manager has named in the environment.
    void set(const lib::OptionRow& option, std::optional<std::string_view> value,
             const Origin& origin);
    // memcached's -o: "word,no_word,word=value".
    void set_words(std::string_view list, const Origin& origin);
    void complain(const Origin& origin, std::string message);
    // Of several options together: with the place of the one that is to blame.
    void complain(const std::vector<lib::OptionProblem>& problems);
    // A line for the log.
    void remark(std::string line) { remarks_.push_back(std::move(line)); }

    // What follows from several options together, and what is wrong with them together. Last.
    void finish();

    const OptionTable& table() const noexcept { return options_.table(); }
    const Options& options() const noexcept { return options_; }
    Options& options() noexcept { return options_; }
    const std::vector<Problem>& problems() const noexcept { return problems_; }
    // Lines for the log: what was accepted but has no effect.
    const std::vector<std::string>& remarks() const noexcept { return remarks_; }
    bool is_set(std::string_view section, std::string_view key) const noexcept;
    Origin origin_of(std::string_view section, std::string_view key) const;
    // What a file says and the command line overrules, a sentence each.
    std::vector<std::string> overruled() const;

  private:
    struct Include {
        std::string path;
        Origin origin;
    };
    std::optional<std::string> content_of(const std::string& path, const Origin& asked);
    std::vector<Include> take_content(std::string_view content, const std::string& name);
    std::vector<std::string> files_of(const Include& include);
    void set_word(std::string_view written, const Origin& origin);
    void remark_on(const lib::OptionRow& option, std::string_view written, Source source);

    const std::string directory_;
    Options options_;
    std::map<const lib::OptionRow*, Origin> origins_;    // of what was set
    std::map<const lib::OptionRow*, Origin> overruled_;  // in a file, by the command line
    std::vector<Problem> problems_;
    std::vector<std::string> remarks_;
};

}  // namespace twincached::app

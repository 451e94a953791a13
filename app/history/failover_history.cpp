#include "app/history/failover_history.hpp"

#include "lib/input/text_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <utility>

namespace twincached::app {
namespace {

// A line of ours has some 300; nobody is to fill our memory by a file.
constexpr std::size_t line_limit = 4096;

bool write_lines(const std::string& path, const std::vector<Failover>& failovers) {
    std::FILE* file = std::fopen(path.c_str(), "we");
    if (file == nullptr) return false;
    for (const auto& failover : failovers) {
        const auto line = json_of(failover) + "\n";
        std::fwrite(line.data(), 1, line.size(), file);
    }
    // A disk that is full says so here at the latest.
    const bool is_written = std::ferror(file) == 0;
    return std::fclose(file) == 0 && is_written;
}

}  // namespace

FailoverHistory::FailoverHistory(std::string path, Log& log) : path_(std::move(path)), log_(log) {
    if (!path_.empty()) read();
}

void FailoverHistory::read() {
    // Before the first change of the primary there is none.
    if (::access(path_.c_str(), F_OK) != 0) return;
    const auto content = lib::read_text_file(path_);
    if (content.has_error())
        return log_.warning("the history cannot be read from {}: {}", path_, content.error());
    std::istringstream file(*content);
    std::size_t left_out = 0;
    const lib::MutexLock lock(mutex_);
    for (std::string line; std::getline(file, line);) {
        auto failover = line.size() <= line_limit ? failover_of(line) : std::nullopt;
        if (!failover) {
            ++left_out;
            continue;
        }
        failovers_.push_back(std::move(*failover));
        if (failovers_.size() > most) failovers_.pop_front();
    }
    if (left_out > 0)
        log_.warning("{}: {} lines are no changes of the primary: left out", path_, left_out);
}

void FailoverHistory::note(Failover failover) {
    {
        const lib::MutexLock lock(mutex_);
        failovers_.push_back(std::move(failover));
        if (failovers_.size() > most) failovers_.pop_front();
    }
    if (!path_.empty()) write();
}

std::vector<Failover> FailoverHistory::all() const {
    const lib::MutexLock lock(mutex_);
    return {failovers_.begin(), failovers_.end()};
}

void FailoverHistory::write() const {
    const auto unfinished = path_ + ".new";
    if (write_lines(unfinished, all()) && std::rename(unfinished.c_str(), path_.c_str()) == 0)
        return;
    log_.warning("the history cannot be written to {}: {}", path_, std::strerror(errno));
}

std::string history_json(const std::vector<Failover>& failovers) {
    std::string text = "[";
    for (const auto& failover : failovers) {
        if (text.size() > 1) text += ",\n ";
        text += json_of(failover);
    }
    return text + "]\n";
}

}  // namespace twincached::app

// Into the background. The parent waits until the child says that it has started, or why not, so
// that whoever called it learns of every start-up error by text and exit status.
#pragma once

namespace twincached::app {

class Daemon {
  public:
    // Forks, if asked to: returns in the child; the parent exits with what the child reports.
    // Before any thread exists. Throws std::system_error.
    explicit Daemon(bool into_background);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // Lets the parent go and, if `quiet`, takes leave of its terminal.
    void report_started(bool quiet) noexcept;

  private:
    int to_parent_ = -1;  // a pipe; closed without a word: the start failed
};

}  // namespace twincached::app

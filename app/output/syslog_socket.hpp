// Lines to syslogd, as syslog(3) writes them, but for one thing: a syslogd that does not read is
// not waited for. Owned by a sink of the log, under its mutex.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace twincached::app {

class SyslogSocket {
  public:
    explicit SyslogSocket(std::string path = "/dev/log") : path_(std::move(path)) {}
    ~SyslogSocket();
    SyslogSocket(const SyslogSocket&) = delete;
    SyslogSocket& operator=(const SyslogSocket&) = delete;

    // `level`: LOG_ERR and the like. False: the line is lost, and errno says why; EAGAIN where
    // nobody takes it.
    bool write(int level, std::string_view text);

  private:
    bool connect() noexcept;
    bool send(const std::string& message) noexcept;
    void close() noexcept;

    const std::string path_;
    int descriptor_ = -1;
    bool is_stream_ = false;  // as some have it; then a zero byte ends a message
};

}  // namespace twincached::app

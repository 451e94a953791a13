// HTTP/1.x on one connection of the admin endpoint, without the socket: bytes in, requests out, and
// answers as bytes. Fed the same bytes in any split, it finds the same requests. A head is bounded
// in size, and a request with a body is refused: nothing here takes one. Beast parses.
//
// Owned by its connection, on the endpoint's thread.
#pragma once

#include "app/endpoint/request.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace twincached::app {

class RequestReader {
  public:
    // Of a request line and all header lines together.
    static constexpr std::size_t head_limit = 8192;

    enum class Progress : std::uint8_t { more, request, refused };

    RequestReader();
    ~RequestReader();

    // Adds bytes and looks for the next request among all that have come. May be called with none,
    // for one that has come already. REQUIRES: nothing was refused.
    Progress feed(std::string_view bytes);

    // Of the last one. REQUIRES: Progress::request. Valid until the next feed().
    const Request& request() const noexcept { return request_; }
    // Whether another may follow it.
    bool keeps_open() const noexcept { return keeps_open_; }
    // REQUIRES: Progress::refused. The connection ends behind it.
    Answer refusal() const;
    // Whether some of a request has come, but not all.
    bool has_begun() const noexcept { return !pending_.empty(); }

    // The answer to the last request, or the refusal, as it goes out.
    std::string text_of(const Answer& answer) const;

  private:
    struct Parser;

    void begin();
    Progress take();

    std::unique_ptr<Parser> parser_;
    std::string pending_;  // at most the head's limit and what one feed() adds
    Request request_;
    bool keeps_open_ = false;
    unsigned refused_with_ = 0;  // 0: nothing was
};

}  // namespace twincached::app

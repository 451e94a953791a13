#include "app/console/stream_output.hpp"

namespace twincached::app {

bool StreamOutput::add(std::string_view text) {
    if (text.size() > limit - waiting_.size()) return false;
    waiting_.append(text);
    return true;
}

std::string_view StreamOutput::begin_write() noexcept {
    if (!written_.empty()) return {};
    written_.swap(waiting_);
    return written_;
}

void StreamOutput::on_written() noexcept {
    written_.clear();
}

}  // namespace twincached::app

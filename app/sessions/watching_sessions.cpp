#include "app/sessions/watching_sessions.hpp"

#include <boost/asio/post.hpp>

#include <new>

namespace twincached::app {

void WatchingSessions::wake() noexcept {
    if (is_woken_.exchange(true)) return;
    try {
        boost::asio::post(context_, [this] { serve_all(); });
    } catch (const std::bad_alloc&) {
        is_woken_ = false;  // the lines stay where they are until the next one wakes us
    }
}

void WatchingSessions::add(Session& session) {
    sessions_.push_back(&session);
}

void WatchingSessions::remove(Session& session) noexcept {
    std::erase(sessions_, &session);
}

void WatchingSessions::serve_all() {
    is_woken_ = false;
    if (noticed_) noticed_();
    // From the end, because a turn may end the session and so take it out of the list.
    for (auto i = sessions_.size(); i-- > 0;)
        serve_(*sessions_[i]);
}

}  // namespace twincached::app

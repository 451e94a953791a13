#include "replication/pair/driver/link_dialler.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace twincached::replication::pair {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// A peer in the same network answers sooner; the link machine gives up after half a second, in
// which five addresses are tried.
constexpr std::chrono::milliseconds moment{100};

}  // namespace

LinkDialler::LinkDialler(asio::io_context& context, Parts parts, Owner& owner)
    : context_(context),
      parts_(std::move(parts)),
      owner_(owner),
      addresses_(of_others(parts_.known, parts_.places, parts_.own)),
      next_timer_(context) {
    const auto& host = parts_.places.peer.host;
    if (host.empty() || is_address(host)) return;
    resolver_ =
        std::make_unique<NameResolver>(host, parts_.lookup, [this](lib::Parsed<Addresses> found) {
            asio::post(context_, [this, found = std::move(found)] { on_found(found); });
        });
}

// A name is resolved anew at each dial. One that was known before is dialled at once, so that a
// slow name service does not slow the link down; the next dial knows the answer.
void LinkDialler::dial() {
    ++dials_;
    is_dialling_ = true;
    waits_for_name_ = resolver_ && addresses_.empty();
    if (resolver_) resolver_->ask();
    if (!waits_for_name_) begin();
}

void LinkDialler::hang_up() {
    is_dialling_ = waits_for_name_ = false;
    next_timer_.cancel();
    attempts_.clear();
    to_try_.clear();
}

// A name that does not resolve now may be that of a node that is there all the same.
void LinkDialler::on_found(const lib::Parsed<Addresses>& found) {
    if (!found.has_error()) addresses_ = of_others(*found, parts_.places, parts_.own);
    if (!std::exchange(waits_for_name_, false)) return;
    if (found.has_error())
        return fail("the name of the peer does not resolve: " + found.error(), false);
    begin();
}

void LinkDialler::begin() {
    if (addresses_.empty()) {
        return fail("the name of the peer stands for no address but this node's own", false);
    }
    if (!owner_.may_dial(addresses_))
        return fail("there is no way to the address of the peer", false);
    to_try_ = addresses_;
    std::rotate(to_try_.begin(),
                to_try_.begin() + static_cast<std::ptrdiff_t>(dials_ % to_try_.size()),
                to_try_.end());
    std::reverse(to_try_.begin(), to_try_.end());
    all_refused_ = true;
    try_next();
}

void LinkDialler::try_next() {
    while (!to_try_.empty()) {
        const auto address = to_try_.back();
        to_try_.pop_back();
        const auto attempt = ++attempt_;
        auto& socket = attempts_.emplace(attempt, tcp::socket(context_)).first->second;
        const tcp::endpoint there(address, *parts_.places.peer.port);
        error_code error;
        socket.open(there.protocol(), error);
        const bool binds = parts_.own && parts_.own->is_v4() == address.is_v4();
        if (!error && binds) socket.bind({*parts_.own, 0}, error);
        if (error) {
            attempts_.erase(attempt);
            note_failure(error);
            continue;
        }
        socket.async_connect(there, [this, attempt](const error_code& result) {
            if (result != asio::error::operation_aborted) on_connect(attempt, result);
        });
        if (to_try_.empty()) return;
        next_timer_.expires_after(moment);
        next_timer_.async_wait([this, dial = dials_](const error_code& stopped) {
            if (!stopped && is_dialling_ && dial == dials_) try_next();
        });
        return;
    }
    if (attempts_.empty()) fail("the peer cannot be reached: " + last_error_, all_refused_);
}

void LinkDialler::on_connect(std::uint64_t attempt, const error_code& error) {
    const auto found = attempts_.find(attempt);
    if (found == attempts_.end()) return;  // it was given up meanwhile
    auto socket = std::move(found->second);
    attempts_.erase(found);
    if (!error) {
        hang_up();
        return owner_.on_dialled(std::move(socket));
    }
    note_failure(error);
    next_timer_.cancel();
    try_next();
}

void LinkDialler::note_failure(const error_code& error) {
    last_error_ = error.message();
    all_refused_ = all_refused_ && error == asio::error::connection_refused;
}

void LinkDialler::fail(std::string why, bool refused) {
    asio::post(context_, [this, dial = dials_, why = std::move(why), refused] {
        if (!is_dialling_ || dial != dials_) return;
        hang_up();
        owner_.on_dial_failed(why, refused);
    });
}

}  // namespace twincached::replication::pair

#include "replication/pair/driver/link_dialler.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace twincached::replication::pair {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

LinkDialler::LinkDialler(asio::io_context& context, Peer peer, std::optional<asio::ip::address> own,
                         Owner& owner)
    : context_(context),
      peer_(std::move(peer)),
      own_(std::move(own)),
      owner_(owner),
      resolver_(context) {}

// A name is resolved anew at each dial. One that was known before is dialled at once, so that a
// slow name service does not slow the link down; the next dial knows the answer.
void LinkDialler::dial() {
    waits_for_name_ = peer_.addresses.empty();
    if (!waits_for_name_) dial_next_address();
    resolve();
}

void LinkDialler::hang_up() {
    dialling_.reset();
    waits_for_name_ = false;
}

void LinkDialler::resolve() {
    if (std::exchange(resolving_, true)) return;
    error_code name;
    asio::ip::make_address(peer_.host, name);
    if (!name) return;  // an address; nothing to resolve, ever
    resolver_.async_resolve(peer_.host, "", [this](const error_code& error, const auto& entries) {
        resolving_ = false;
        if (error == asio::error::operation_aborted) return;
        if (!error) {
            peer_.addresses.clear();
            for (const auto& entry : entries)
                peer_.addresses.push_back(plain(entry.endpoint().address()));
        }
        if (!std::exchange(waits_for_name_, false)) return;
        if (!error) return dial_next_address();
        owner_.on_dial_failed("the peer's name does not resolve: " + error.message(), false);
    });
}

void LinkDialler::dial_next_address() {
    const auto dial = ++dials_;
    const auto& address = peer_.addresses[dial % peer_.addresses.size()];
    const tcp::endpoint there(address, peer_.port);
    error_code error;
    dialling_.emplace(context_);
    dialling_->open(there.protocol(), error);
    const bool bind = own_ && own_->is_v4() == address.is_v4();
    if (!error && bind) dialling_->bind({*own_, 0}, error);
    if (error) {
        asio::post(context_, [this, dial, error] { on_connect(dial, error); });
        return;
    }
    dialling_->async_connect(there, [this, dial](const error_code& result) {
        if (result != asio::error::operation_aborted) on_connect(dial, result);
    });
}

void LinkDialler::on_connect(std::uint64_t dial, const error_code& error) {
    if (!dialling_ || dial != dials_) return;  // it was given up meanwhile
    auto socket = std::move(*dialling_);
    dialling_.reset();
    if (!error) return owner_.on_dialled(std::move(socket));
    // One of several addresses may be that of another host.
    const bool refused = error == asio::error::connection_refused && peer_.addresses.size() == 1;
    owner_.on_dial_failed("the peer cannot be reached: " + error.message(), refused);
}

}  // namespace twincached::replication::pair

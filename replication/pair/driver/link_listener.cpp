#include "replication/pair/driver/link_listener.hpp"

#include "replication/pair/driver/driver_addresses.hpp"

#include <boost/asio/ip/v6_only.hpp>

#include <chrono>
#include <system_error>
#include <utility>

namespace twincached::replication::pair {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int accept_backlog = 64;
// When no connection can be accepted (too many open files) the acceptor rests for so long.
constexpr std::chrono::milliseconds accept_rest{200};

}  // namespace

void LinkListener::open(const std::optional<asio::ip::address>& own, std::uint16_t port) {
    const auto option = std::string(link_listen_option) + ": ";
    auto address = own.value_or(asio::ip::address_v6::any());
    const auto place = text_of(address, port);
    error_code error;
    acceptor_.open(tcp::endpoint(address, 0).protocol(), error);
    if (error && !own) {  // a system without IPv6
        address = asio::ip::address_v4::any();
        acceptor_.open(tcp::v4());
    } else if (error) {
        throw std::system_error(error, option + "the link cannot listen on " + place);
    }
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    if (address.is_v6()) acceptor_.set_option(asio::ip::v6_only(own.has_value()));
    acceptor_.bind({address, port}, error);
    if (!error) acceptor_.listen(accept_backlog, error);
    if (error) {
        throw std::system_error(error, option + "the link cannot listen on " + place);
    }
    accept();
}

void LinkListener::close() noexcept {
    error_code ignored;
    acceptor_.close(ignored);
}

void LinkListener::go_on() {
    if (acceptor_.is_open() && !is_waiting_) accept();
}

void LinkListener::accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
        is_waiting_ = false;
        if (error == asio::error::operation_aborted) return;
        on_accept(error, std::move(socket));
    });
    is_waiting_ = true;
}

void LinkListener::on_accept(const error_code& error, tcp::socket socket) {
    if (error) {
        owner_.on_call_lost(error.message());
        rest_.expires_after(accept_rest);
        rest_.async_wait([this](const error_code& stopped) {
            is_waiting_ = false;
            if (!stopped) accept();
        });
        is_waiting_ = true;
        return;
    }
    error_code unknown;  // it has gone again
    const auto from = socket.remote_endpoint(unknown);
    if (!unknown) owner_.on_call(std::move(socket), plain(from.address()));
    if (acceptor_.is_open()) accept();
}

}  // namespace twincached::replication::pair
